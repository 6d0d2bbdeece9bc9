"""Makes spoken digits with the synthesizer espeak-ng.

    python make_clips.py                  the shipped clips, clips/zero.wav ... clips/nine.wav
    python make_clips.py --training DIR   the synthesized part of the training set

No voice of a shipped clip is among the training voices.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from audio import read_wav, resample, write_wav

RATE = 8000
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CLIPS = Path(__file__).parent / "clips"
SEED = 7
CLIPS_PER_DIGIT = 240

ACCENTS = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029"]
VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 Alex Alicia Andy Annie Denis Diogo Gene Henrique Hugo Jacky "
    "Lee Marco Mario Michael Mike Nguyen antonio aunty belinda benjamin boris david ed edward grandma "
    "klatt klatt2 klatt4 linda max miguel pablo paul rob robert sandro shelby steph steph2 victor"
).split()

# (voice, words per minute, pitch 0-99, pitch range 0-99)
SHIPPED = {
    "zero": ("en-us+Andrea", 137, 47, 55),
    "one": ("en-gb+m8", 143, 42, 50),
    "two": ("en-us+f5", 133, 53, 45),
    "three": ("en-gb-scotland+michel", 139, 44, 60),
    "four": ("en-us+adam", 141, 38, 48),
    "five": ("en-gb+anika", 131, 51, 52),
    "six": ("en-us+quincy", 127, 46, 57),
    "seven": ("en-gb-x-rp+john", 134, 49, 46),
    "eight": ("en-us+travis", 129, 41, 54),
    "nine": ("en-gb+pedro", 136, 43, 58),
}


def speak(word: str, voice: str, speed: int, pitch: int, pitch_range: int) -> np.ndarray:
    """The spoken word without the silence around it, at 8 kHz, its peak at 0.5."""
    text = f'<prosody range="{pitch_range}%">{word}</prosody>'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "word.wav"
        command = ["espeak-ng", "-m", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(file), text]
        subprocess.run(command, check=True)
        rate, samples = read_wav(file)
    samples = resample(samples, rate, RATE)
    samples = samples * (0.5 / np.abs(samples).max())
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    return samples[loud[0] : loud[-1] + 1]


def make_shipped() -> None:
    CLIPS.mkdir(exist_ok=True)
    # Silence on both sides: a stream shows what the model thinks before and after the word.
    before, after = np.zeros(RATE // 8), np.zeros(RATE // 5)
    for word, (voice, *prosody) in SHIPPED.items():
        write_wav(CLIPS / f"{word}.wav", RATE, np.concatenate([before, speak(word, voice, *prosody), after]))


def unseen_voices() -> list[tuple[int, np.ndarray]]:
    """(digit, samples): every word in every voice of the shipped clips."""
    return [(digit, speak(word, *voice)) for digit, word in enumerate(WORDS) for voice in SHIPPED.values()]


def make_training(folder: Path) -> None:
    """{digit}_{voice}_{number}.wav, in the way the recordings are named."""
    # An interrupted run must not look like a finished one.
    unfinished = folder.with_name(folder.name + ".part")
    unfinished.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    for digit, word in enumerate(WORDS):
        for number in range(CLIPS_PER_DIGIT):
            voice = f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}"
            # Even speeds and pitches here, odd speeds in the shipped clips.
            speed, pitch = 2 * int(rng.integers(50, 105)), 2 * int(rng.integers(10, 41))
            samples = speak(word, voice, speed, pitch, int(rng.integers(20, 100)))
            write_wav(unfinished / f"{digit}_{voice}_{number}.wav", RATE, samples)
    unfinished.rename(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--training", type=Path, metavar="DIR", help="write the training voices to DIR")
    folder = parser.parse_args().training
    make_training(folder) if folder else make_shipped()


if __name__ == "__main__":
    main()
