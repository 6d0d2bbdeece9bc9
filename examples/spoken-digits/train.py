"""Trains the spoken-digit model in Keras and writes model/.

    python train.py --data DIR [--voices DIR]
    python train.py --data DIR --without SPEAKER     only measures how well an unheard speaker is recognized

DIR holds the Free Spoken Digit Dataset, {digit}_{speaker}_{index}.wav. Indices 5-9 are held out.
The synthesized voices are made once and kept in --voices.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

from audio import read_wav
from card import write_card
from features import CONSTANTS_FILE, LogMel
from make_clips import CLIPS, RATE, WORDS, make_training, unseen_voices

MODEL = Path(__file__).parent / "model"
HELD_OUT = range(5, 10)
SEED = 1
UNITS = 64
EPOCHS = 60
BATCH = 32

CONSTANTS = {
    "sampleRate": RATE,
    "frame": 256,
    "hop": 128,
    "bands": 32,
    "minHz": 50,
    "maxHz": 4000,
    "logOffset": 1e-6,
    # No feature comes near it: a step that equals it in every band is padding.
    "maskValue": -1000,
}


class Clip(NamedTuple):
    digit: int
    speaker: str
    index: int
    samples: np.ndarray


def load(folder: Path) -> list[Clip]:
    """Every {digit}_{speaker}_{index}.wav."""
    clips = []
    for file in sorted(folder.glob("*.wav")):
        digit, speaker, index = file.stem.split("_")
        rate, samples = read_wav(file)
        if rate != RATE:
            raise ValueError(f"{file}: expected {RATE} Hz")
        clips.append(Clip(int(digit), speaker, int(index), samples))
    if not clips:
        raise FileNotFoundError(f"no .wav files in {folder}")
    return clips


def augment(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another tempo and pitch, loudness and background, with silence around the word as in a live stream."""
    positions = np.arange(0, len(samples) - 1, rng.uniform(0.88, 1.14))
    samples = np.interp(positions, np.arange(len(samples)), samples)
    # Half of the time none: the recordings are cut tight.
    before, after = rng.integers(0, RATE * 3 // 10, 2) * rng.integers(0, 2, 2)
    samples = np.pad(samples, (before, after)) * 10 ** rng.uniform(-1, 0.5)
    if rng.random() < 0.7:
        noise = rng.normal(size=len(samples)) * 10 ** rng.uniform(-4.5, -2)
        # Two kinds of hiss: flat, and falling with frequency.
        if rng.random() < 0.5:
            noise = np.convolve(noise, 0.9 ** np.arange(32), "same")
        samples = samples + noise
    return np.clip(samples, -1, 1)


def pad(clips: list[np.ndarray], value: float) -> np.ndarray:
    """Features [frames, bands] of each clip -> [clips, most frames, bands], padded at the end."""
    out = np.full((len(clips), max(len(clip) for clip in clips), clips[0].shape[1]), value, np.float32)
    for row, clip in zip(out, clips):
        row[: len(clip)] = clip
    return out


class Batches(keras.utils.PyDataset):
    """Freshly augmented batches in a new order every epoch."""

    def __init__(self, clips: list[Clip], log_mel: LogMel):
        super().__init__()
        self.clips, self.log_mel = clips, log_mel
        self.rng = np.random.default_rng(SEED)
        self.order = self.rng.permutation(len(clips))

    def __len__(self):
        return len(self.clips) // BATCH

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.clips))

    def __getitem__(self, batch):
        chosen = [self.clips[i] for i in self.order[batch * BATCH : (batch + 1) * BATCH]]
        features = [self.log_mel(augment(clip.samples, self.rng)) for clip in chosen]
        x = pad(features, self.log_mel.constants["maskValue"])
        y = np.array([[clip.digit] for clip in chosen]).repeat(x.shape[1], axis=1)
        # Every step learns what can be known so far, the later ones with more weight.
        weights = np.zeros(y.shape, np.float32)
        for row, frames in zip(weights, map(len, features)):
            row[:frames] = np.linspace(0, 1, frames) ** 2
            row[frames - 1] = 4
        return x, y, weights


def build(constants: dict, every_step: bool) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((None, constants["bands"]), name="features"),
            keras.layers.Masking(constants["maskValue"], name="masking"),
            keras.layers.GRU(UNITS, return_sequences=every_step, name="gru"),
            keras.layers.Dropout(0.2, name="dropout"),
            keras.layers.Dense(len(WORDS), activation="softmax", name="digits"),
        ],
        name="spoken_digits",
    )


def fit(clips: list[Clip], log_mel: LogMel) -> keras.Model:
    """The model with one answer per clip."""
    keras.utils.set_random_seed(SEED)
    stepwise = build(log_mel.constants, every_step=True)
    batches = Batches(clips, log_mel)
    rate = keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * len(batches), alpha=0.01)
    stepwise.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "sparse_categorical_crossentropy")
    stepwise.fit(batches, epochs=EPOCHS, shuffle=False, verbose=2)
    model = build(log_mel.constants, every_step=False)
    model.set_weights(stepwise.get_weights())
    return model


def accuracy(model: keras.Model, clips: list[tuple[int, np.ndarray]], log_mel: LogMel) -> float:
    """The part of the (digit, samples) that is recognized at the last step."""
    x = pad([log_mel(samples) for _, samples in clips], log_mel.constants["maskValue"])
    digits = np.array([digit for digit, _ in clips])
    return float((model.predict(x, batch_size=125, verbose=0).argmax(-1) == digits).mean())


def measure_constants(clips: list[Clip]) -> dict:
    """Mean and deviation of each band over the training recordings, to four digits after the point."""
    log_mel = LogMel(CONSTANTS)
    frames = np.concatenate([log_mel.log_mel(clip.samples) for clip in clips])
    mean, deviation = frames.mean(axis=0).round(4), frames.std(axis=0).round(4)
    return CONSTANTS | {"mean": mean.tolist(), "deviation": deviation.tolist()}


def write_reference(model: keras.Model, log_mel: LogMel) -> None:
    """What Keras itself answers after every frame of every shipped clip."""
    stepwise = build(log_mel.constants, every_step=True)
    stepwise.set_weights(model.get_weights())
    clips = []
    for digit, word in enumerate(WORDS):
        x = log_mel(read_wav(CLIPS / f"{word}.wav")[1])
        steps = keras.ops.convert_to_numpy(stepwise(x[None], training=False))[0]
        answer = keras.ops.convert_to_numpy(model(x[None], training=False))[0]
        print(f"{word}: {WORDS[answer.argmax()]} {answer.max():.4f}, {len(x)} frames")
        assert answer.argmax() == digit and np.abs(answer - steps[-1]).max() < 1e-6
        rows = [[float(f"{value:.9g}") for value in row] for row in steps]
        clips.append({"file": f"{word}.wav", "digit": digit, "frames": len(x), "probabilities": rows})
    reference = {"keras": keras.__version__, "tensorflow": tf.__version__, "clips": clips}
    text = json.dumps(reference, separators=(",", ":")).replace("],[", "],\n[")
    (MODEL / "reference.json").write_text(text + "\n")


def write_features_check(log_mel: LogMel) -> None:
    """A few frames of a shipped clip and a clip shorter than a frame, for the test of features.ts."""
    x = log_mel(read_wav(CLIPS / "seven.wav")[1])
    short = log_mel(np.arange(100) / 200)
    rows = {str(frame): [float(f"{value:.9g}") for value in x[frame]] for frame in (0, 20, 30, len(x) - 1)}
    check = {
        "clip": "seven.wav",
        "frames": len(x),
        "rows": rows,
        "ramp": [float(f"{value:.9g}") for value in short[0]],
    }
    (MODEL / "features_check.json").write_text(json.dumps(check) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the recordings")
    parser.add_argument(
        "--voices", type=Path, metavar="DIR", default=Path(tempfile.gettempdir()) / "spoken-digits-voices"
    )
    parser.add_argument("--without", metavar="SPEAKER", help="train without a speaker, test on that speaker")
    arguments = parser.parse_args()

    recordings = load(arguments.data)
    if not arguments.voices.exists():
        print(f"making the synthesized voices in {arguments.voices}")
        make_training(arguments.voices)
    voices = load(arguments.voices)

    if arguments.without:
        training = [clip for clip in recordings if clip.speaker != arguments.without]
        unheard = [(clip.digit, clip.samples) for clip in recordings if clip.speaker == arguments.without]
        if not unheard:
            parser.error(f"{arguments.data} has no recordings of {arguments.without}")
        log_mel = LogMel(measure_constants(training))
        score = accuracy(fit(training + voices, log_mel), unheard, log_mel)
        print(f"{arguments.without}, unheard: {score:.1%} of {len(unheard)} recordings")
        return

    training = [clip for clip in recordings if clip.index not in HELD_OUT]
    held_out = [(clip.digit, clip.samples) for clip in recordings if clip.index in HELD_OUT]
    MODEL.mkdir(exist_ok=True)
    CONSTANTS_FILE.write_text(json.dumps(measure_constants(training), indent=2) + "\n")
    log_mel = LogMel.load()
    fit(training + voices, log_mel).save(MODEL / "digits.keras")

    model = keras.models.load_model(MODEL / "digits.keras")
    write_reference(model, log_mel)
    write_features_check(log_mel)
    scores = {
        name: (accuracy(model, clips, log_mel), len(clips))
        for name, clips in {
            "recordings, indices 5-9": held_out,
            "synthesized, in voices that are not in the training set": unseen_voices(),
        }.items()
    }
    write_card(MODEL / "README.md", model, log_mel.constants, len(training), len(voices), scores)
    for name, (score, count) in scores.items():
        print(f"{score:.1%} of {count} {name}")


if __name__ == "__main__":
    main()
