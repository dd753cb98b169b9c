"""Traits planted in the demo: who has them, and where on a section they show."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.ndimage
import scipy.special

from histoniche.demo.design import REGIONS, Design, uncorrelated_strata
from histoniche.demo.layout import smooth_noise
from histoniche.randomness import generator

TRAIT_GENE = "NULLG0100"
"""The gene whose expression shows: the more of it, the more microcysts."""

# Share of the living tissue in which a trait shows.
_SHARE = (0.35, 1.0)
# Levels of expression up to which there are no microcysts, and from which as many as can be.
_VISIBLE = (0.15, 0.85)
# Patches are some tiles wide; their borders are soft.
_PATCH_PX, _BORDER_PX = 170, 3
_NECROSIS = REGIONS.index("CTne") + 1


class Patches(NamedTuple):
    """How strongly each trait shows in each pixel of a section, (height, width), 0 to 1."""

    nests: np.ndarray
    """Small dark nuclei in nests, of EGFR-amplified tumours."""
    cysts: np.ndarray
    """Microcysts, of the expression of `TRAIT_GENE`."""


def draw_traits(design: Design, *, seed: int) -> pd.DataFrame:
    """Draw the traits of each patient, balanced against all else of the design.

    Returns
    -------
    Indexed by patient: egfr, amplified in half of them; coin, heads in half of them, which
    shows nowhere; level of the gene, in (0, 1); and egfr_share and gene_share, shares of the
    living tissue in which the two show, if they do.
    """
    beside = np.column_stack([design.areas.rank(), design.age.rank(), design.fate])
    names = ["egfr", "coin", "level", "egfr_share", "gene_share"]
    random = generator(seed, "traits")
    strata = uncorrelated_strata(len(beside), len(names), random, beside=beside)
    traits = pd.DataFrame(strata, index=design.areas.index, columns=names)
    for share in ("egfr_share", "gene_share"):
        traits[share] = _SHARE[0] + (_SHARE[1] - _SHARE[0]) * traits[share]
    return traits.assign(
        egfr=np.where(traits["egfr"] > 0.5, "amplified", "normal"),
        coin=np.where(traits["coin"] > 0.5, "heads", "tails"),
    )


def draw_patches(
    labels: np.ndarray, traits: "pd.Series[Any]", random: np.random.Generator
) -> Patches:
    """Draw where on a section a patient's traits show.

    Parameters
    ----------
    labels
        (height, width): 0 is glass, else the number of the region in `REGIONS` plus 1.
    traits
        The patient's row of `draw_traits`.
    """
    living = (labels > 0) & (labels != _NECROSIS)
    lowest, highest = _VISIBLE
    density = np.clip((traits["level"] - lowest) / (highest - lowest), 0, 1)
    return Patches(
        _draw_patch(living, traits["egfr_share"], random)
        * np.float32(traits["egfr"] == "amplified"),
        _draw_patch(living, traits["gene_share"], random) * np.float32(density),
    )


def measure_patches(labels: np.ndarray, patches: Patches) -> dict[str, float]:
    """Shares of a section's tissue that show each trait and both, and its heterogeneity (HTI).

    A pixel is positive where a trait shows at half strength or more.
    """
    tissue = labels > 0
    nests, cysts = (plane[tissue] >= 0.5 for plane in patches)
    parts = np.array([nests & ~cysts, cysts & ~nests, nests & cysts]).mean(axis=1)
    shares = parts / max(parts.sum(), 1e-12)
    hti = float(scipy.special.entr(shares).sum() / np.log(len(parts)))
    return {
        "egfr_tissue": float(nests.mean()),
        "gene_tissue": float(cysts.mean()),
        "both_tissue": float(parts[2]),
        "hti": hti if parts.any() else np.nan,
    }


def describe_traits() -> dict[str, object]:
    """What shows on the sections, and what does not."""
    return {"column": "egfr", "gene": TRAIT_GENE, "unplanted": ["coin", "mgmt"]}


def _draw_patch(living: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """A few large patches that hold a share of the living tissue; float32 with soft borders."""
    size = (living.shape[0], living.shape[1])
    height = smooth_noise(size, _PATCH_PX, random)
    inside = height >= np.quantile(height[living], 1 - share)
    soft = scipy.ndimage.gaussian_filter(inside.astype(np.float32), _BORDER_PX)
    return np.where(living, soft, 0).astype(np.float32)
