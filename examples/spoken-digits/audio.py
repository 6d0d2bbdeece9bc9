"""Sound in and out: 16-bit mono WAV files and a band-limited resampler. Samples are float64 in [-1, 1)."""

import wave
from math import gcd
from pathlib import Path

import numpy as np

ZERO_CROSSINGS = 32  # of the sinc, on each side; the same as in wav.ts
ROLLOFF = 0.95  # the pass band, as a part of the lower of the two Nyquist frequencies


def read_wav(path: Path) -> tuple[int, np.ndarray]:
    """(sample rate in Hz, samples) of a 16-bit mono file."""
    with wave.open(str(path), "rb") as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise ValueError(f"{path}: expected 16-bit mono")
        data = file.readframes(file.getnframes())
        return file.getframerate(), np.frombuffer(data, "<i2").astype(np.float64) / 32768


def write_wav(path: Path, rate: int, samples: np.ndarray) -> None:
    """Writes 16-bit mono."""
    data = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data.tobytes())


def resample(samples: np.ndarray, source: int, target: int) -> np.ndarray:
    """Hann-windowed sinc, the kernel scaled to a gain of one at 0 Hz; zeros are assumed outside the clip."""
    if source == target:
        return samples
    cutoff = ROLLOFF * min(1, target / source)
    reach = int(np.ceil(ZERO_CROSSINGS / cutoff))
    padded = np.pad(samples, (reach, reach + 1))
    count = max(1, int(np.floor(len(samples) * target / source + 0.5)))
    out = np.zeros(count)
    phases = target // gcd(source, target)
    for phase in range(min(phases, count)):
        offset = phase * source / target
        x = np.arange(-reach, reach + 1) - (offset - np.floor(offset))
        taper = np.cos(np.pi * cutoff * x / (2 * ZERO_CROSSINGS)) ** 2
        kernel = np.where(np.abs(x) * cutoff < ZERO_CROSSINGS, np.sinc(cutoff * x) * taper, 0)
        kernel /= kernel.sum()
        for i in range(phase, count, phases):
            at = i * source // target
            window = padded[at : at + 2 * reach + 1]
            out[i] = window @ kernel[: len(window)]
    return out
