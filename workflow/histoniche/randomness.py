"""Random generators, each derived from the run's seed and a name."""

import hashlib

import numpy as np


def derived_seed(seed: int, *names: object) -> int:
    """Seed of one step, from the run's seed and the step's names; below 2**32."""
    text = "\x1f".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def generator(seed: int, *names: object) -> np.random.Generator:
    """Generator of one step: the same seed and names give the same numbers."""
    return np.random.default_rng(derived_seed(seed, *names))
