"""How a section looks: a label map rendered as haematoxylin and eosin."""

from typing import NamedTuple

import numpy as np
import scipy.ndimage
import scipy.spatial

from histoniche.demo.design import REGIONS
from histoniche.demo.layout import MPP, resize, smooth_noise
from histoniche.demo.traits import Patches


class Texture(NamedTuple):
    """Look of a region: nuclei per mm², the rest in optical density."""

    nuclei: float
    pyknotic: float
    eosin: float
    haze: float
    red: float
    fibres: float
    smear: float


_GLASS = Texture(nuclei=0, pyknotic=0, eosin=0, haze=0, red=0, fibres=0, smear=0)
TEXTURES = {
    "LE": Texture(nuclei=900, pyknotic=0, eosin=0.47, haze=0.06, red=0, fibres=0.07, smear=0.08),
    "IT": Texture(nuclei=2100, pyknotic=60, eosin=0.47, haze=0.12, red=0, fibres=0.07, smear=0.06),
    "CT": Texture(nuclei=5400, pyknotic=80, eosin=0.44, haze=0.30, red=0, fibres=0.04, smear=0.05),
    "CTpnz": Texture(
        nuclei=1700, pyknotic=2200, eosin=0.64, haze=0.04, red=0.10, fibres=0.04, smear=0.12
    ),
    "CTpan": Texture(
        nuclei=9500, pyknotic=300, eosin=0.38, haze=0.58, red=0, fibres=0.03, smear=0.05
    ),
    "CTmvp": Texture(
        nuclei=3200, pyknotic=100, eosin=0.45, haze=0.10, red=0.30, fibres=0.02, smear=0.05
    ),
    "CTne": Texture(nuclei=80, pyknotic=350, eosin=0.36, haze=0, red=0.10, fibres=0, smear=0.22),
}
"""Region by region; haze is haematoxylin between the nuclei."""


class Stain(NamedTuple):
    """How a slide was stained and scanned."""

    haematoxylin: np.ndarray
    eosin: np.ndarray
    red: np.ndarray
    white: np.ndarray


# Optical density in red, green and blue; eosin gives #E6A7C6, haematoxylin #5B3E8E.
_HAEMATOXYLIN = np.array([0.56, 0.77, 0.32])
_EOSIN = np.array([0.20, 0.84, 0.50])
_RED = np.array([0.10, 0.74, 0.66])
_WHITE = np.array([244.0, 243.0, 245.0])

SITES = {"Aster": (1.0, 1.0), "Birch": (1.08, 0.94), "Cedar": (0.94, 1.06)}
"""Where slides were stained, and how strongly: haematoxylin, eosin."""

_PIXEL_MM2 = (MPP / 1000) ** 2
# A nucleus is about 8 µm wide, a pyknotic one 5 µm; peaks of optical density.
_NUCLEUS_SIGMA, _NUCLEUS_DENSITY = 0.85, 4.6
_PYKNOTIC_SIGMA, _PYKNOTIC_DENSITY = 0.6, 4.2
# Nuclei of nests are small, more, and crowd within a few cells' width.
_NEST_SIGMA, _NEST_PX, _NEST_CROWDING, _NEST_GAIN = 0.5, 5, 0.75, 1.3
# Microcysts of one mm², about 30 µm wide; what of the stain they lack, and their rims have more.
_CYSTS, _CYST_SIGMA, _CYST_CLEARED, _CYST_RIM = 100, 2.6, 0.9, 0.45
# Vessels stand about this many pixels apart.
_VESSEL_PITCH = 22


def draw_stain(site: str, random: np.random.Generator) -> Stain:
    """Stain of a slide: the habit of its site, and what varies from slide to slide."""
    strength = np.array(SITES[site]) * np.exp(0.06 * random.standard_normal(2))
    tilt = 0.02 * random.standard_normal((3, 3))
    return Stain(
        (_HAEMATOXYLIN + tilt[0]) * strength[0],
        (_EOSIN + tilt[1]) * strength[1],
        (_RED + tilt[2]) * strength[1],
        _WHITE + random.uniform(-2, 2, 3),
    )


def render_section(
    labels: np.ndarray,
    *,
    stain: Stain,
    random: np.random.Generator,
    patches: Patches | None = None,
) -> np.ndarray:
    """Render a label map.

    Parameters
    ----------
    labels
        (height, width): 0 is glass, else the number of the region in `REGIONS` plus 1.
    stain, random
        Of the slide.
    patches
        Where traits show; where they do not, the section is as it would be without them.

    Returns
    -------
    uint8, (height, width, 3).
    """
    look = _look_of_pixels(labels)
    _gather_palisades(look, labels)
    size = (labels.shape[0], labels.shape[1])
    nests, cysts = patches or Patches(*np.zeros((2, *size), np.float32))
    of_nests, of_cysts = random.spawn(2)
    haematoxylin = look["haze"] + _draw_nuclei(look, nests, random, of_nests)
    eosin = look["eosin"] * (1 + 0.07 * smooth_noise(size, 40, random))
    eosin += look["fibres"] * _draw_fibres(size, random)
    eosin *= 1 + look["smear"] * smooth_noise(size, 9, random)
    red = look["red"] + _draw_capillaries(look, size, random)
    _draw_vessels(labels, haematoxylin, red, random)
    grain = 1 + 0.12 * random.standard_normal(size, dtype=np.float32)
    density = (
        haematoxylin[..., None] * stain.haematoxylin.astype(np.float32)
        + (np.maximum(eosin, 0) * grain)[..., None] * stain.eosin.astype(np.float32)
        + red[..., None] * stain.red.astype(np.float32)
    )
    density *= _draw_cysts(cysts, of_cysts)[..., None]
    light = stain.white.astype(np.float32) * np.exp(-density)
    light += random.normal(0, 1.2, (*size, 1)).astype(np.float32)
    return np.clip(light, 0, 255).astype(np.uint8)


def _look_of_pixels(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Each property of the regions' textures, pixel by pixel, with slightly soft borders."""
    half = labels[::2, ::2]
    size = (half.shape[0] * 2, half.shape[1] * 2)
    look = {}
    for number, name in enumerate(Texture._fields):
        table = [_GLASS[number], *(TEXTURES[region][number] for region in REGIONS)]
        plane = scipy.ndimage.gaussian_filter(np.array(table, np.float32)[half], 0.8)
        look[name] = resize(plane, size)[: labels.shape[0], : labels.shape[1]].copy()
    return look


def _gather_palisades(look: dict[str, np.ndarray], labels: np.ndarray) -> None:
    """Crowd the nuclei of pseudopalisades towards the necrosis."""
    palisades = labels == REGIONS.index("CTpan") + 1
    away = scipy.ndimage.distance_transform_edt(labels[::4, ::4] != REGIONS.index("CTne") + 1)
    away = resize(away * 4 * MPP, (away.shape[0] * 4, away.shape[1] * 4))
    away = away[: labels.shape[0], : labels.shape[1]]
    look["nuclei"][palisades] *= (0.85 + 0.4 * np.exp(-away / 80))[palisades]


def _draw_nuclei(
    look: dict[str, np.ndarray],
    nests: np.ndarray,
    random: np.random.Generator,
    of_nests: np.random.Generator,
) -> np.ndarray:
    """Haematoxylin of the nuclei, strewn at random with some clumping, and more in nests."""
    size = (nests.shape[0], nests.shape[1])
    crowding = 1 + 0.22 * smooth_noise(size, 14, random)
    nested = _NEST_GAIN * np.clip(1 + _NEST_CROWDING * smooth_noise(size, _NEST_PX, of_nests), 0, 3)
    crowding = np.clip(crowding, 0.3, 1.8) * (1 + nests * (nested - 1))
    density = np.zeros(size, np.float32)
    for kind, sigma, peak in (
        ("nuclei", _NUCLEUS_SIGMA, _NUCLEUS_DENSITY),
        ("pyknotic", _PYKNOTIC_SIGMA, _PYKNOTIC_DENSITY),
    ):
        chance = look[kind] * np.float32(_PIXEL_MM2) * crowding
        draw = random.random(size, dtype=np.float32)
        # Where a nucleus lies, draw / chance is uniform again: its own depth of colour.
        depth = np.where(draw < chance, 0.6 + 0.8 * draw / np.maximum(chance, 1e-9), 0)
        depth = peak * depth.astype(np.float32)
        density += scipy.ndimage.gaussian_filter(depth * (1 - nests), sigma, truncate=3)
        density += scipy.ndimage.gaussian_filter(depth * nests, _NEST_SIGMA, truncate=3)
    return density


def _draw_cysts(cysts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share of the stain left by small round holes of varied width with a dense rim."""
    draw = random.random(cysts.shape, dtype=np.float32)
    width = np.where(draw < _CYSTS * _PIXEL_MM2 * cysts, random.uniform(0.7, 1.3, cysts.shape), 0)
    peak = 2 * np.pi * _CYST_SIGMA**2
    height = scipy.ndimage.gaussian_filter(peak * width.astype(np.float32), _CYST_SIGMA, truncate=3)
    hole = np.clip(4 * (height - 0.4), 0, 1)
    rim = np.clip(4 * (height - 0.1), 0, 1) - hole
    return 1 - _CYST_CLEARED * hole + _CYST_RIM * rim


def _draw_fibres(size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Wavy fibres along a direction of the section: mean 0, SD near 1."""
    noise = scipy.ndimage.gaussian_filter(
        random.standard_normal((512, 512), dtype=np.float32), (0.6, 0.9), mode="wrap"
    )
    noise /= noise.std()
    angle = random.uniform(0, np.pi)
    y, x = np.ogrid[: size[0], : size[1]]
    bend = smooth_noise(size, 160, random) * 18
    across = (x * np.cos(angle) + y * np.sin(angle) + bend) / 1.4
    along = (y * np.cos(angle) - x * np.sin(angle)) / 9
    return noise[across.astype(np.int32) & 511, along.astype(np.int32) & 511]


def _draw_capillaries(
    look: dict[str, np.ndarray], size: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """Red of the scattered capillaries of all living tissue."""
    blood = np.clip(2.5 * (smooth_noise(size, 5, random) - 2.35), 0, 0.5)
    return np.where(look["nuclei"] > 500, blood, 0).astype(np.float32)


def _draw_vessels(
    labels: np.ndarray, haematoxylin: np.ndarray, red: np.ndarray, random: np.random.Generator
) -> None:
    """Tufts of vessels: blood in the middle, thick eosinophilic walls lined with nuclei."""
    rows, columns = np.nonzero(labels == REGIONS.index("CTmvp") + 1)
    if not rows.size:
        return
    size = (labels.shape[0], labels.shape[1])
    grid = np.mgrid[0 : size[0] : _VESSEL_PITCH, 0 : size[1] : _VESSEL_PITCH].reshape(2, -1).T
    centres = grid + random.uniform(-6, 6, grid.shape)
    radius = random.uniform(4.5, 8.0, len(centres))
    distance, nearest = scipy.spatial.cKDTree(centres).query(np.stack([rows, columns], axis=1))
    wobble = 1.4 * smooth_noise(size, 6, random)[rows, columns]
    inside = radius[nearest] - distance - wobble
    lined = (np.abs(inside) < 1.2) & (random.random(rows.size) < 0.7)
    blood, lining = np.zeros((2, *size), np.float32)
    blood[rows, columns] = np.select([inside > 4, inside > 0], [0.75, 0.28])
    lining[rows, columns] = np.where(lined, 1.1, 0)
    haematoxylin[rows, columns] *= np.where(inside > 4, 0.3, 1).astype(np.float32)
    haematoxylin += scipy.ndimage.gaussian_filter(lining, 0.7, truncate=3)
    red += scipy.ndimage.gaussian_filter(blood, 0.7, truncate=3)
