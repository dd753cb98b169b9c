"""Preparation: each patient's scan read in a limited process, checked, cropped and pictured."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.errors import Unusable
from histoniche.files import write_json
from histoniche.guard import run_limited
from histoniche.imaging.nifti import write_nifti
from histoniche.imaging.pictures import draw_sample
from histoniche.imaging.prepared import Prepared, fitted_maps
from histoniche.imaging.samples import Sample, empty_sample, make_sample, write_sample
from histoniche.imaging.scans import Scan, read_scan
from histoniche.imaging.tensors import Fitted
from histoniche.imaging.units import DIFFUSIVITIES, Unit, to_mm2_s
from histoniche.pictures import draw_reason

# Of the limited process, beside what its parent holds: raw diffusion volumes are large.
_MEMORY_GB, _MEMORY_RAW_GB = 8, 24
_SECONDS, _SECONDS_RAW = 1800, 4 * 3600


def prepare_scans(
    rows: Sequence[Mapping[str, Any]],
    outs: Mapping[str, Path],
    *,
    maps: Sequence[str],
    unit: Unit,
    sample: Mapping[str, Any],
    patients: Iterable[str] | None = None,
) -> None:
    """Prepare the scans of a batch of patients.

    A scan that cannot be used ends nothing: it leaves an empty sample, a picture that says
    why, and `bad` with the reason as its quality; see `check_scans`.

    Parameters
    ----------
    rows
        One a patient: `patient`, and the files that `read_scan` wants.
    outs
        Folder of each patient; takes the files of `Prepared` and, where raw diffusion volumes
        are given, `fitted_maps`: NIfTI towards the right, to the front and upwards, FA, and MD,
        AD and RD in mm2/s.
    maps
        Names of the maps, in order.
    unit
        Of the diffusivities in the files.
    sample
        The config's block `imaging.sample`: `slices`, `side`, `margin`.
    patients
        Those to be done, in order; all by default. Each counts as done when the next is
        asked for.
    """
    by_patient = {str(row["patient"]): row for row in rows}
    for patient in by_patient if patients is None else patients:
        prepare_scan(
            by_patient[patient],
            Prepared.beneath(outs[patient]),
            maps=maps,
            unit=unit,
            sample=sample,
        )


def prepare_scan(
    row: Mapping[str, Any],
    outputs: Prepared,
    *,
    maps: Sequence[str],
    unit: Unit,
    sample: Mapping[str, Any],
) -> None:
    """Prepare one patient's scan in a limited process; see `prepare_scans`."""
    raw = row.get("dwi") is not None
    for output in (*outputs, *fitted_maps(outputs.sample.parent).values()):
        # What another state of the scan left behind must not pass for this one's.
        output.unlink(missing_ok=True)
    try:
        run_limited(
            _prepare,
            row,
            outputs,
            maps=maps,
            unit=unit,
            sample=sample,
            memory_gb=_MEMORY_RAW_GB if raw else _MEMORY_GB,
            seconds=_SECONDS_RAW if raw else _SECONDS,
        )
    except Unusable as reason:
        patient = str(row["patient"])
        write_sample(empty_sample(len(maps), sample["side"]), outputs.sample)
        draw_reason(f"{patient}: {reason}", outputs.picture)
        quality = {"patient": patient, "status": "bad", "reason": str(reason), "facts": {}}
        write_json(quality, outputs.quality)


def _prepare(
    row: Mapping[str, Any],
    outputs: Prepared,
    *,
    maps: Sequence[str],
    unit: Unit,
    sample: Mapping[str, Any],
) -> None:
    """Read, check, crop and picture one scan; runs in the guarded child."""
    patient = str(row["patient"])
    scan = read_scan(row, maps=maps, unit=unit)
    cut = make_sample(scan.maps, scan.tumour, scan.voxel_mm, **sample)
    facts = describe_scan(scan, cut, maps)
    if scan.fitted is not None:
        _write_maps(scan.fitted, outputs.sample.parent)
    write_sample(cut, outputs.sample)
    words = f"tumour {facts['tumour_mm3'] / 1000:.1f} cm3, voxels of {_edges(scan.voxel_mm)} mm"
    draw_sample(cut, maps, outputs.picture, title=patient, subtitle=words)
    write_json({"patient": patient, "status": "ok", "reason": "", "facts": facts}, outputs.quality)


def describe_scan(scan: Scan, sample: Sample, maps: Sequence[str]) -> dict[str, Any]:
    """Facts of a scan that can be used, as JSON knows them.

    Returns
    -------
    voxel_mm, grid, axial (slices of the sample), pixel_mm, tumour_mm3, brain_mm3, medians
    (of each map inside the tumour, diffusivities in um2/ms), and the facts of `Scan`.
    """
    voxel_mm3 = float(np.prod(scan.voxel_mm))
    medians = np.median(scan.maps[:, scan.tumour], axis=1)
    return {
        **scan.facts,
        "voxel_mm": list(scan.voxel_mm),
        "grid": list(scan.tumour.shape),
        "axial": sample.axial.tolist(),
        "pixel_mm": sample.pixel_mm,
        "tumour_mm3": float(scan.tumour.sum()) * voxel_mm3,
        "brain_mm3": float(scan.brain.sum()) * voxel_mm3,
        "medians": dict(zip(maps, medians.tolist(), strict=True)),
    }


def _write_maps(fitted: Fitted, folder: Path) -> None:
    """Write the maps of a tensor, as others may be named in a sheet of scans."""
    for name, path in fitted_maps(folder).items():
        unit = "mm2/s" if name in DIFFUSIVITIES else "0 to 1"
        values = to_mm2_s(fitted.maps[name], name)
        write_nifti(values, fitted.volumes.affine, path, description=f"{name}, {unit}")


def _edges(voxel_mm: Sequence[float]) -> str:
    """Edges of a voxel in words: 2 x 2 x 2.5."""
    return " x ".join(f"{edge:.3g}" for edge in voxel_mm)
