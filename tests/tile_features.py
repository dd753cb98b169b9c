"""Features of a slide's tiles, noise but for a few tiles."""

import numpy as np

from histoniche.files import whole_folder
from histoniche.slides.store import write_columns

WIDTH, TILES, FEW = 16, 60, 6


def write_tile_features(path, number, *, high, encoder="e", tiles=TILES):
    """Write a slide of noise; in its first tiles a few features are higher."""
    features = np.random.default_rng(number).normal(size=(tiles, WIDTH))
    features[:FEW, :4] += high
    with whole_folder(path) as temporary:
        write_columns(
            temporary,
            {"features": features.astype(np.float16)},
            {
                "slide": path.stem, "status": "ok", "mpp": 0.5, "size": 224,
                "encoder": encoder, "encoder_digest": "00",
            },
            count=tiles,
        )  # fmt: skip
    return path
