"""Hand-made scans for tests of imaging."""

import gzip

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform

GRID = (20, 24, 10)
VOXEL = (2.0, 2.0, 3.0)
MAPS = ["FA", "MD", "AD", "RD"]
SAMPLE = {"slices": 4, "side": 16, "margin": 0}


def make_affine(voxel=VOXEL):
    affine = np.diag([*voxel, 1.0])
    affine[:3, 3] = (-20, -30, 5)
    return affine


def make_maps(seed=0):
    """FA, MD, AD and RD of a brain that ends 2 voxels before the edge; mm2/s."""
    random = np.random.default_rng(seed)
    brain = np.zeros(GRID, bool)
    brain[2:-2, 2:-2, 1:-1] = True
    values = {
        "FA": random.uniform(0.1, 0.8, GRID),
        "MD": random.uniform(0.6e-3, 1.2e-3, GRID),
        "AD": random.uniform(0.9e-3, 1.8e-3, GRID),
        "RD": random.uniform(0.4e-3, 0.9e-3, GRID),
    }
    return {name: np.where(brain, value, 0).astype(np.float32) for name, value in values.items()}


def make_tumour():
    """A tumour of 6 x 4 x 8 voxels of 2 x 2 x 3 mm."""
    tumour = np.zeros(GRID, np.uint8)
    tumour[6:12, 10:14, 1:9] = 1
    return tumour


def save(data, path, affine=None, axes="RAS"):
    """Write a NIfTI whose axes run as `axes` say; data and affine are given for RAS."""
    affine = make_affine() if affine is None else affine
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes))
    turned = apply_orientation(data, turn)
    image = nibabel.Nifti1Image(turned, affine @ inv_ornt_aff(turn, data.shape[:3]))
    content = image.to_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)
