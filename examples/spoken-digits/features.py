"""Log-mel features, written out in numpy so that features.ts can do the same arithmetic.

Frames of `frame` samples start every `hop` samples; only whole frames count, so a tail shorter than `hop` is
dropped. A clip shorter than one frame is padded with zeros to exactly one.

A frame times a periodic Hann window -> FFT -> power spectrum |X|^2 (not divided by anything) -> triangular
bands of height 1, spaced evenly on the HTK mel scale, mel(f) = 2595 log10(1 + f / 700), and linear in Hz
between their edges -> log(band + logOffset) -> (value - mean) / deviation with constants per band. All in
float64; the result is rounded to float32 once.
"""

import json
from pathlib import Path

import numpy as np

CONSTANTS_FILE = Path(__file__).parent / "model" / "features.json"


class LogMel:
    """Turns samples in [-1, 1) at `sampleRate` into features [frames, bands]."""

    def __init__(self, constants: dict):
        self.constants = constants
        self.frame, self.hop, self.bands = constants["frame"], constants["hop"], constants["bands"]
        self.window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)
        self.filters = mel_filters(constants)

    @classmethod
    def load(cls) -> "LogMel":
        return cls(json.loads(CONSTANTS_FILE.read_text()))

    def frame_count(self, samples: int) -> int:
        if samples == 0:
            return 0
        return max(1, (samples - self.frame) // self.hop + 1)

    def log_mel(self, samples: np.ndarray) -> np.ndarray:
        """float64 [frames, bands], before the mean and the deviation."""
        if len(samples) < self.frame:
            samples = np.pad(samples, (0, self.frame - len(samples)))
        starts = np.arange(self.frame_count(len(samples))) * self.hop
        frames = samples[starts[:, None] + np.arange(self.frame)] * self.window
        spectrum = np.fft.rfft(frames)
        power = spectrum.real**2 + spectrum.imag**2
        return np.log(power @ self.filters.T + self.constants["logOffset"])

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """float32 [frames, bands]."""
        mean, deviation = np.array(self.constants["mean"]), np.array(self.constants["deviation"])
        return ((self.log_mel(samples) - mean) / deviation).astype(np.float32)


def mel_filters(constants: dict) -> np.ndarray:
    """float64 [bands, frame / 2 + 1]."""
    low, high = hertz_to_mel(constants["minHz"]), hertz_to_mel(constants["maxHz"])
    bands, bins = constants["bands"], constants["frame"] // 2 + 1
    edges = mel_to_hertz(low + (high - low) * np.arange(bands + 2) / (bands + 1))
    hertz = np.arange(bins) * constants["sampleRate"] / constants["frame"]
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)))


def hertz_to_mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def mel_to_hertz(mel):
    return 700 * (10 ** (mel / 2595) - 1)
