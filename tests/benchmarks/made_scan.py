"""A scan of one's own making, as large as diffusion maps of the brain are."""

from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from histoniche.cohort.scan_sheet import FITTED_MAPS

GRID, VOXEL_MM = (128, 128, 60), 2.0
TUMOUR = (20, 16, 10)
"""Half axes of the tumour, an ellipsoid in the middle, in voxels."""


def write_scan(folder: Path) -> dict[str, str]:
    """Write a tumour's mask and all maps; their files by name."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    middle, half = (np.array(one).reshape(3, 1, 1, 1) for one in (GRID, TUMOUR))
    inside = (((np.indices(GRID) - middle / 2) / half) ** 2).sum(0) < 1
    volumes = {"mask": inside.astype(np.float32)}
    for name in FITTED_MAPS:
        values = ndimage.gaussian_filter(rng.random(GRID, np.float32), 1)
        # Diffusivities in mm2/s.
        volumes[name] = values if name == "FA" else values / 1000
    for name, values in volumes.items():
        image = nibabel.Nifti1Image(values, np.diag([VOXEL_MM] * 3 + [1]))
        nibabel.save(image, folder / f"{name}.nii.gz")
    return {name: str(folder / f"{name}.nii.gz") for name in volumes}
