"""The model card."""

from pathlib import Path

CARD = """# Model card: spoken digits

Recognizes one English word, "zero" to "nine", in {sampleRate} Hz sound. `../train.py` trained `digits.keras`
in Keras and wrote this page.

**Use.** A small, real model for examples, tests and measurements of streaming recurrent networks: it answers
after every {milliseconds:g} ms. It is not made for products.

**Model.** {parameters:,} parameters:
{layers}.
It was trained to answer at every step, later steps with more weight, so the probabilities may be watched
while the word is spoken. `digits.keras` gives the answer after the last step; the same weights with
`return_sequences=True` give all answers.

**Data.** {recordings:,} recordings (indices 10-49) of five speakers from the
[Free Spoken Digit Dataset](https://github.com/Jakobovski/free-spoken-digit-dataset) by Zohar Jackson and
others, CC BY-SA 4.0, and {voices:,} clips in many voices of the synthesizer espeak-ng; augmented with other
tempos, loudness, noise, and silence around the word. The recordings are not part of this project.

**Licence.** The model in this folder: CC BY-SA 4.0, as the data it was trained on. The clips in `../clips`
contain no recording; they are made by `../make_clips.py` and have the licence of the project.

## Accuracy at the last step

| clips, not used for training | number | recognized |
|---|---|---|
{scores}

The held-out recordings are of the same five speakers as the training set, and the augmentation was chosen with
them in view (three trainings: 98.4 to 99.2%).

## Limits

- Only five people, all men, most with a European accent: new speakers are recognized much less reliably.
  {unheard}
- Each clip should hold one digit: the model has no answer for "no digit" or another word and still names one.
- Loud noise makes it worse.

## Features

`features.json` holds the constants, `../features.py` and `../features.ts` the arithmetic. {sampleRate} Hz,
samples in [-1, 1); frames of {frame} samples every {hop}; periodic Hann window; power spectrum of a
{frame}-point Fourier transform; {bands} triangular bands from {minHz} to {maxHz} Hz, of height 1, evenly
spaced on the HTK mel scale 2595 log10(1 + f / 700); log(band + {logOffset:g}); then the
fixed `mean` and `deviation` of each band over the training recordings (nothing is measured per clip). Computed
in float64 and rounded to float32 once. Padding is {maskValue} in every band.

`reference.json` holds what Keras answers after every frame of each shipped clip, `features_check.json` some
of their features.
"""

# From runs of `train.py --without SPEAKER`, which are not part of every training: each takes as long as one.
UNHEARD = "Trained without jackson, 80.0% of his 450 recordings were recognized; without george, 70.4%."


def write_card(path: Path, model, constants: dict, recordings: int, voices: int, scores: dict) -> None:
    """`scores`: what was tested -> (part recognized, number of clips)."""
    layers = " → ".join(["Input(None, {bands})".format(**constants), *map(describe, model.layers)])
    table = "\n".join(f"| {name} | {count} | {score:.1%} |" for name, (score, count) in scores.items())
    text = CARD.format(
        **constants,
        milliseconds=1000 * constants["hop"] / constants["sampleRate"],
        layers=layers,
        parameters=model.count_params(),
        recordings=recordings,
        voices=voices,
        scores=table,
        unheard=UNHEARD,
    )
    path.write_text(text)


def describe(layer) -> str:
    """The layer's class with the arguments that matter here."""
    config = layer.get_config()
    names = ("mask_value", "units", "activation", "rate")
    return f"{type(layer).__name__}({', '.join(str(config[name]) for name in names if name in config)})"
