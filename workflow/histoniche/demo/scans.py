"""Diffusion MRI of the demo: heads with a tumour, whose margin shows the patient's risk."""

import gzip
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pandas as pd
import scipy.special
from scipy.spatial.transform import Rotation

from histoniche.demo.clinical import log_hazard
from histoniche.demo.design import Design, uncorrelated_strata
from histoniche.demo.heads import GRID, VOXEL_MM, Head, draw_axes, draw_head, margin_of, tensor_maps
from histoniche.files import write_text
from histoniche.randomness import generator

MAPS = ("FA", "MD", "AD", "RD")

# Of a patient's fate, per standard deviation, beside the log hazard of areas and age: what is
# planted there alone would not tell the patients apart well enough, as fate outweighs it.
_FATE = 0.6
_MARGIN_FA = (0.12, 0.62)
_CORE_FA = (0.08, 0.28)
_DIRECTIONS, _B, _SIGNAL, _NOISE = 15, 1000, 900, 6
# Steps in which values are stored, powers of 2 so that they pack well: 0.001 and 1e-6 mm2/s.
_STEP = {"FA": 2.0**-10, "MD": 2.0**-20, "AD": 2.0**-20, "RD": 2.0**-20}
_PACKING = 4
_TILT = np.radians(2)
EMPTY_MASK = "the tumour mask is empty"


class _Plan(NamedTuple):
    """What becomes of the patients' scans."""

    without: list[str]
    bad: str
    raw: str


def plan_risk(design: Design, areas: pd.DataFrame) -> "pd.Series[float]":
    """Risk that the tumour's margin shows, standardised: log hazard and a part of fate.

    Parameters
    ----------
    design
        What is planted.
    areas
        Patients by regions, mm², as measured on the drawn sections.
    """
    risk = log_hazard(design, areas) - _FATE * scipy.special.ndtri(design.fate)
    return (risk - risk.mean()) / risk.std()


def write_scans(design: Design, areas: pd.DataFrame, folder: Path, *, seed: int) -> None:
    """Write `scans.tsv`, the folder `scans`, and `truth/scans.tsv`.

    The anisotropy of the outermost voxels of the tumour, in each axial slice, grows with the
    patient's risk; size, place and core of the tumour and the brain around it do not. One or
    two patients have no scan, one has a mask that is empty, and one has raw diffusion volumes
    in the place of maps.

    Parameters
    ----------
    design, areas
        As for `plan_risk`.
    folder
        The cohort's.
    """
    patients = list(areas.index)
    plan = _plan(patients, generator(seed, "scans"))
    risk = plan_risk(design, areas)
    shape = _draw_shapes(design, risk, generator(seed, "scans", "shapes"))
    rows, truth = [], []
    for patient in patients:
        if patient in plan.without:
            continue
        random = generator(seed, "scan", patient)
        own = shape.loc[[patient]].iloc[0]
        head = draw_head(
            margin_fa=float(own["margin_fa"]),
            core_fa=float(own["core_fa"]),
            size=float(own["size"]),
            random=random,
        )
        place = folder / "scans" / patient
        place.mkdir(parents=True)
        raw, bad = patient == plan.raw, patient == plan.bad
        files = _write_scan(head, place, raw=raw, bad=bad, random=random)
        cells = {name: f"scans/{patient}/{file}" for name, file in files.items()}
        rows.append({"patient": patient, **cells})
        truth.append({"patient": patient, **_measure(head), "risk": round(float(risk[patient]), 6)})
    columns = ["patient", "mask", "brain_mask", *MAPS, "dwi", "bvals", "bvecs"]
    _write_tsv(pd.DataFrame(rows, columns=columns), folder / "scans.tsv")
    facts = pd.DataFrame(truth)
    facts.insert(1, "reason", np.where(facts["patient"] == plan.bad, EMPTY_MASK, ""))
    _write_tsv(facts.round(6), folder / "truth" / "scans.tsv")


def describe_scans() -> dict[str, object]:
    """What shows on the scans, and what does not."""
    return {"map": "FA", "place": "margin", "unplanted": ["core_fa", "tumour_mm3"]}


def _plan(patients: list[str], random: np.random.Generator) -> _Plan:
    """Choose the patients whose scans are missing, bad or raw."""
    order = [str(name) for name in random.permutation(patients)]
    return _Plan(order[: 2 if len(order) >= 20 else 1], bad=order[-1], raw=order[-2])


def _draw_shapes(
    design: Design, risk: "pd.Series[float]", random: np.random.Generator
) -> pd.DataFrame:
    """What each tumour looks like: margin by risk; core and size balanced against it."""
    beside = np.column_stack([risk.rank(), design.fate, design.age.rank()])
    strata = uncorrelated_strata(len(risk), 2, random, beside=beside)
    low, high = _MARGIN_FA
    core_low, core_high = _CORE_FA
    return pd.DataFrame(
        {
            "margin_fa": low + (high - low) * scipy.special.ndtr(risk.to_numpy()),
            "core_fa": core_low + (core_high - core_low) * strata[:, 0],
            "size": strata[:, 1],
        },
        index=risk.index,
    )


def _measure(head: Head) -> dict[str, float]:
    """What a scan shows, measured on what was drawn."""
    fa = tensor_maps(head.eigenvalues)[0]
    margin = margin_of(head.tumour)
    return {
        "margin_fa": float(fa[margin].mean()),
        "core_fa": float(fa[head.tumour & ~margin].mean()),
        "tumour_mm3": float(head.tumour.sum() * VOXEL_MM**3),
    }


def _write_scan(
    head: Head, folder: Path, *, raw: bool, bad: bool, random: np.random.Generator
) -> dict[str, str]:
    """Write the files of one patient; return their names by column of the sheet."""
    affine = _draw_affine(random)
    mirrored = bool(random.integers(2))
    files = {"mask": "mask.nii.gz"}
    tumour = np.zeros_like(head.tumour) if bad else head.tumour
    _write_nifti(tumour.astype(np.uint8), folder / files["mask"], affine, mirrored=mirrored)
    if raw:
        files |= {"brain_mask": "brain.nii.gz", "dwi": "dwi.nii.gz"}
        files |= {"bvals": "dwi.bval", "bvecs": "dwi.bvec"}
        brain = head.brain.astype(np.uint8)
        _write_nifti(brain, folder / files["brain_mask"], affine, mirrored=mirrored)
        signal = _draw_signal(head, folder, random)
        _write_nifti(signal, folder / files["dwi"], affine, mirrored=mirrored)
        return files
    for name, values in zip(MAPS, tensor_maps(head.eigenvalues), strict=True):
        files[name] = f"{name}.nii.gz"
        stored = (np.round(values / _STEP[name]) * _STEP[name]).astype(np.float32)
        _write_nifti(stored, folder / files[name], affine, mirrored=mirrored)
    return files


def _draw_affine(random: np.random.Generator) -> np.ndarray:
    """Affine of a head that lies a little askew in the scanner, (4, 4)."""
    rotation = Rotation.from_euler("xyz", random.uniform(-_TILT, _TILT, 3)).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = rotation * VOXEL_MM
    affine[:3, 3] = -affine[:3, :3] @ (np.array(GRID) / 2) + random.normal(0, 5, 3)
    return affine.round(6)


def _draw_signal(head: Head, folder: Path, random: np.random.Generator) -> np.ndarray:
    """Draw raw diffusion volumes, and write their b-values and vectors beside them."""
    # Points of a spiral from pole to pole lie evenly on the sphere.
    turns = np.arange(_DIRECTIONS) + 0.5
    z = 1 - turns / _DIRECTIONS
    angle = np.pi * (1 + 5**0.5) * turns
    radius = np.sqrt(1 - z**2)
    vectors = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z]).round(6)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bvals = [0] + [_B] * _DIRECTIONS
    write_text(" ".join(map(str, bvals)) + "\n", folder / "dwi.bval")
    lines = [" ".join(f"{value:.6f}" for value in (0.0, *axis)) for axis in vectors.T]
    write_text("\n".join(lines) + "\n", folder / "dwi.bvec")
    along = np.einsum("nk,kixyz->nixyz", vectors, draw_axes(random)) ** 2
    decay = np.exp(-_B * np.einsum("nixyz,ixyz->xyzn", along, head.eigenvalues))
    whole = np.concatenate([np.ones((*GRID, 1)), decay], axis=-1) * head.brain[..., None]
    real, imaginary = random.normal(0, _NOISE, (2, *whole.shape))
    return np.hypot(_SIGNAL * whole + real, imaginary).round().astype(np.int16)


def _write_nifti(data: np.ndarray, path: Path, affine: np.ndarray, *, mirrored: bool) -> None:
    """Write a gzipped NIfTI without a time stamp; a mirrored one runs from right to left."""
    if mirrored:
        flip = np.diag([-1.0, 1, 1, 1])
        flip[0, 3] = GRID[0] - 1
        data, affine = data[::-1], affine @ flip
    content = nibabel.Nifti1Image(data, affine).to_bytes()
    path.write_bytes(gzip.compress(content, _PACKING, mtime=0))


def _write_tsv(table: pd.DataFrame, path: Path) -> None:
    """Write a sheet; empty cells stay empty."""
    write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), path)
