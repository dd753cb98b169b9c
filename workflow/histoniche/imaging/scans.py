"""A patient's scan: maps, tumour and brain on one grid, checked as one thing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from histoniche.cohort.scan_sheet import FITTED_MAPS
from histoniche.errors import UnusableScan
from histoniche.imaging.nifti import Volume, check_grid, read_nifti
from histoniche.imaging.tensors import Fitted, fit_scan
from histoniche.imaging.units import (
    Unit,
    plausible,
    to_um2_ms,
    unit_problem,
    within_range,
)

# A scan is refused if a larger share of its brain cannot be; less is noise at the brain's edge.
_MOST_IMPLAUSIBLE = 0.02
# Delineations follow the cortex to a voxel or so; a larger share outside is another place.
_MOST_OUTSIDE = 0.1
_MOST_LABELS = 32


class Scan(NamedTuple):
    """What is known of one patient, turned to right, front and up."""

    maps: np.ndarray
    """float32, (maps, x, y, z), 0 outside of the brain; diffusivities in um2/ms."""
    tumour: np.ndarray
    """Boolean, (x, y, z)."""
    brain: np.ndarray
    """Boolean, (x, y, z)."""
    voxel_mm: tuple[float, float, float]
    """Edges of a voxel."""
    facts: dict[str, Any]
    """Where maps, brain and directions come from, and shares that were mended."""
    fitted: Fitted | None = None
    """The tensor's maps where raw diffusion volumes were given."""


def read_scan(row: Mapping[str, str | None], *, maps: Sequence[str], unit: Unit) -> Scan:
    """Read and check one patient's scan.

    Parameters
    ----------
    row
        Files: `mask`; each map by its name, or `dwi`, `bvals` and `bvecs`, from which
        FA, MD, AD and RD are fitted; `brain_mask` if there is one.
    maps
        Names of the maps, in order.
    unit
        Of the diffusivities MD, AD and RD in the files; fitted ones know their own.

    Raises
    ------
    UnusableScan
        With the first reason why the scan cannot be used.
    """
    brain = _read_mask(row, "brain_mask") if row.get("brain_mask") is not None else None
    facts: dict[str, Any] = {"maps": "given", "brain": "given" if brain else "where maps are not 0"}
    volumes: dict[str, Volume] = {}
    tensor = fit_scan(row, brain) if row.get("dwi") is not None else None
    fitted: dict[str, np.ndarray] = {}
    if tensor is not None:
        facts |= {"maps": "fitted", "brain": "given" if brain else "median_otsu"}
        volumes["dwi"], fitted, brain, facts["gradients"] = tensor
    for name in maps:
        if name not in fitted:
            volumes[name] = read_nifti(_file(row, name), what=name)
    tumour = _read_mask(row, "mask")
    of, reference = next(iter(volumes.items()))
    masks = {"the tumour mask": tumour, **({"the brain mask": brain} if brain else {})}
    for what, volume in {**volumes, **masks}.items():
        check_grid(volume, reference, what=what, of=of)
    scan = check_scan(
        {
            name: fitted[name] if name in fitted else to_um2_ms(volumes[name].data, name, unit)
            for name in maps
        },
        tumour.data,
        None if brain is None else brain.data,
        reference.voxel_mm,
        unit=unit,
        facts={
            "gradients": "",
            **facts,
            "oriented_by": reference.oriented_by,
            "tilt_degrees": reference.tilt_degrees,
        },
    )
    return scan._replace(fitted=tensor)


def check_scan(
    values: Mapping[str, np.ndarray],
    tumour: np.ndarray,
    brain: np.ndarray | None,
    voxel_mm: tuple[float, float, float],
    *,
    unit: Unit,
    facts: Mapping[str, Any],
) -> Scan:
    """Check what was read, and put it together.

    Parameters
    ----------
    values
        Maps by name, (x, y, z), diffusivities in um2/ms.
    tumour, brain
        Boolean, (x, y, z); without a brain it is where any map is not 0, holes filled.
    voxel_mm
        Edges of a voxel.
    unit
        Of the files, for what is said of implausible values.

    Raises
    ------
    UnusableScan
        If the tumour is empty or not in the brain, or if values inside the brain are
        missing, all the same or implausible.
    """
    brain = find_brain(values) if brain is None else brain
    if not brain.any():
        raise UnusableScan("the brain is empty: every map is 0 everywhere")
    if not tumour.any():
        raise UnusableScan("the tumour mask is empty")
    outside = float((tumour & ~brain).sum() / tumour.sum())
    if outside > _MOST_OUTSIDE:
        raise UnusableScan(f"{outside:.0%} of the tumour lie outside of the brain")
    implausible = {
        name: _check_values(volume[brain], name, unit) for name, volume in values.items()
    }
    maps = np.stack(
        [np.where(brain, within_range(volume, name), 0) for name, volume in values.items()]
    ).astype(np.float32)
    found = {"outside_share": outside, "implausible_shares": implausible}
    return Scan(maps, tumour, brain, voxel_mm, {**facts, **found})


def find_brain(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where any map has a value that is not 0, holes filled; boolean, (x, y, z).

    Background may be 0 or NaN: a voxel that lacks a value in every map counts only if it
    is enclosed by the brain.
    """
    known = np.any([np.isfinite(volume) & (volume != 0) for volume in values.values()], axis=0)
    return ndimage.binary_fill_holes(known)


def as_mask(data: np.ndarray, what: str) -> np.ndarray:
    """Where a mask is above 0, boolean; its values are whole numbers, one or more labels.

    Raises
    ------
    UnusableScan
        If the values are not those of a mask.
    """
    if not np.isfinite(data).all():
        raise UnusableScan(f"{what} holds NaN")
    labels = np.unique(data)
    if (labels < 0).any() or (labels % 1 != 0).any() or len(labels) > _MOST_LABELS:
        raise UnusableScan(
            f"{what} is none: it holds {len(labels)} values from {labels[0]:.3g} to "
            f"{labels[-1]:.3g}; a mask is 0 outside and whole numbers inside"
        )
    return data > 0


def _check_values(values: np.ndarray, name: str, unit: Unit) -> float:
    """Check a map's values inside the brain; return the share that cannot be."""
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise UnusableScan(f"{name} is NaN or infinite in {missing} voxels of the brain")
    if values.min() == values.max():
        raise UnusableScan(f"{name} is {values[0]:.3g} everywhere in the brain")
    problem = unit_problem(float(np.median(values)), name, unit)
    if problem:
        raise UnusableScan(f"{name} is not plausible: {problem}")
    share = float((~plausible(values, name)).mean())
    if share > _MOST_IMPLAUSIBLE:
        wanted = "0 to 1" if name == "FA" else "0 to 6e-3 mm2/s"
        raise UnusableScan(f"{name} lies outside of {wanted} in {share:.0%} of the brain")
    return share


def _read_mask(row: Mapping[str, str | None], column: str) -> Volume:
    """Read a mask; its data are boolean."""
    what = "the tumour mask" if column == "mask" else "the brain mask"
    volume = read_nifti(_file(row, column), what=what)
    return volume._replace(data=as_mask(volume.data, what))


def _file(row: Mapping[str, str | None], column: str) -> Path:
    """File of a column that must not be empty."""
    name = row.get(column)
    if name is None:
        other = (
            ", nor can it be fitted without dwi, bvals and bvecs" if column in FITTED_MAPS else ""
        )
        raise UnusableScan(f"{column} is missing: the sheet names no file for it{other}")
    return Path(name)
