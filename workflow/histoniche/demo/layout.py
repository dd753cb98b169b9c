"""Where the regions of a section lie: a label map in which each region has its area."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy.ndimage
from PIL import Image

from histoniche.demo.design import REGIONS

MPP = 4.0
"""Micrometres per pixel of level 0."""

_SMALLEST_PX, _LARGEST_PX = 896, 1152
# Share of the scanned rectangle that is tissue, where the smallest and largest size allow it.
_FILLED = 0.60
# The map is planned on a grid of this many level-0 pixels a side, then drawn smoothly.
_GRID = 4
_LABEL = {region: label for label, region in enumerate(REGIONS, start=1)}


class _Plan(NamedTuple):
    """The grid that a section is planned on; lengths in mm."""

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    random: np.random.Generator

    @property
    def pitch(self) -> float:
        """Side of a grid cell."""
        return _GRID * MPP / 1000

    def noise(self, length: float, strength: float) -> np.ndarray:
        """Noise with features of `length` mm and finer ones; SD about `strength`."""
        size = (self.x.shape[0], self.x.shape[1])
        coarse = smooth_noise(size, length / self.pitch, self.random)
        fine = smooth_noise(size, length / self.pitch / 2.5, self.random)
        return strength * (coarse + 0.4 * fine)

    def take(self, key: np.ndarray, among: np.ndarray, label: int, area: float) -> None:
        """Give `area` mm² to `label`: the cells with the smallest `key` `among` those asked."""
        cells = np.flatnonzero(among)
        count = min(round(area / self.pitch**2), cells.size)
        order = np.argsort(key.flat[cells], kind="stable")
        self.labels.flat[cells[order[:count]]] = label


def draw_size(tissue_mm2: float, random: np.random.Generator) -> tuple[int, int]:
    """Height and width of a slide that the tissue fills well, in level-0 pixels."""
    side = np.sqrt(tissue_mm2 / _FILLED) * 1000 / MPP
    aspect = random.uniform(0.92, 1.08)
    height, width = np.clip([side / aspect, side * aspect], _SMALLEST_PX, _LARGEST_PX)
    return round(height), round(width)


def draw_layout(
    areas: Mapping[str, float], *, size: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """Draw the label map of one section.

    Necrosis lies in the middle of the tumour, rimmed by arcs of pseudopalisading cells and of
    the perinecrotic zone; islands of microvascular proliferation lie in the cellular tumour;
    infiltrating tumour and then the leading edge follow outwards.

    Parameters
    ----------
    areas
        Region by region, mm². The drawn areas differ by a few percent, since thin parts are
        smoothed away; the label map itself is the truth.
    size
        Height and width in level-0 pixels.

    Returns
    -------
    uint8, (height, width): 0 is glass, else the number of the region in `REGIONS` plus 1.
    """
    plan = _start(size, random)
    _draw_tissue(plan, sum(areas.values()))
    _draw_outer(plan, areas)
    rim_centre = _draw_core(plan, areas)
    _draw_rims(plan, areas, rim_centre)
    _draw_islands(plan, areas)
    return _smooth(plan.labels, size)


def smooth_noise(size: tuple[int, int], length: float, random: np.random.Generator) -> np.ndarray:
    """Noise of mean 0 and SD near 1 with features of `length` pixels; float32."""
    height, width = size[0] / length, size[1] / length
    coarse = random.standard_normal((int(height) + 4, int(width) + 4), dtype=np.float32)
    # A knot beyond each edge, since resizing repeats the border there.
    box = (1.0, 1.0, 1.0 + width, 1.0 + height)
    return resize(coarse, size, box=box, resample=Image.Resampling.BICUBIC)


def resize(
    plane: np.ndarray,
    size: tuple[int, int],
    *,
    box: tuple[float, float, float, float] | None = None,
    resample: Image.Resampling = Image.Resampling.BILINEAR,
) -> np.ndarray:
    """Resize a plane to (height, width); float32."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((size[1], size[0]), resample, box=box))


def _start(size: tuple[int, int], random: np.random.Generator) -> _Plan:
    """Empty plan; the origin is the middle of the slide."""
    rows, columns = (-(-side // _GRID) for side in size)
    pitch = _GRID * MPP / 1000
    y, x = np.mgrid[:rows, :columns].astype(np.float32) * np.float32(pitch)
    middle_x, middle_y = size[1] * MPP / 2000, size[0] * MPP / 2000
    return _Plan(x - middle_x, y - middle_y, np.zeros((rows, columns), np.uint8), random)


def _draw_tissue(plan: _Plan, area: float) -> None:
    """One rounded irregular piece; until more is drawn, all of it is cellular tumour."""
    half_x, half_y = -plan.x.min(), -plan.y.min()
    x, y = np.abs(plan.x) / half_x, np.abs(plan.y) / half_y
    key = (x**2.6 + y**2.6) ** (1 / 2.6)
    angle = np.arctan2(plan.y, plan.x)
    for wave in range(2, 8):
        phase = plan.random.uniform(0, 2 * np.pi)
        key *= 1 + plan.random.uniform(0, 0.09 / wave**0.7) * np.cos(wave * angle + phase)
    plan.take(key + plan.noise(0.3, 0.02), np.ones_like(x, dtype=bool), _LABEL["CT"], area)


def _draw_outer(plan: _Plan, areas: Mapping[str, float]) -> None:
    """Leading edge, then infiltrating tumour, on the side away from an eccentric tumour."""
    angle = plan.random.uniform(0, 2 * np.pi)
    radius = np.sqrt(sum(areas.values()) / np.pi)
    offset = radius * plan.random.uniform(0.35, 0.6)
    distance = np.hypot(plan.x - offset * np.cos(angle), plan.y - offset * np.sin(angle))
    distance += plan.noise(0.7, 0.08 * radius)
    for region in ("LE", "IT"):
        plan.take(-distance, plan.labels == _LABEL["CT"], _LABEL[region], areas[region])


def _draw_core(plan: _Plan, areas: Mapping[str, float]) -> tuple[float, float]:
    """Draw one or two joined necroses deep in the tumour; return their middle."""
    depth = scipy.ndimage.distance_transform_edt(plan.labels == _LABEL["CT"])
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    x, y = float(plan.x[row, column]), float(plan.y[row, column])
    angle = plan.random.uniform(0, np.pi)
    apart = plan.random.uniform(0.0, 0.7) * np.sqrt(areas["CTne"] / np.pi)
    shift_x, shift_y = apart * np.cos(angle), apart * np.sin(angle)
    distance = np.minimum(
        np.hypot(plan.x - x - shift_x, plan.y - y - shift_y),
        np.hypot(plan.x - x + shift_x, plan.y - y + shift_y),
    )
    distance += plan.noise(0.45, 0.12)
    plan.take(distance, plan.labels == _LABEL["CT"], _LABEL["CTne"], areas["CTne"])
    return x, y


def _draw_rims(plan: _Plan, areas: Mapping[str, float], centre: tuple[float, float]) -> None:
    """One rim around the necrosis, divided into arcs of palisades and of perinecrotic zone."""
    beyond = scipy.ndimage.distance_transform_edt(plan.labels != _LABEL["CTne"])
    beyond = beyond * plan.pitch + plan.noise(0.4, 0.035)
    tumour = plan.labels == _LABEL["CT"]
    plan.take(beyond, tumour, _LABEL["CTpnz"], areas["CTpnz"] + areas["CTpan"])
    angle = np.arctan2(plan.y - centre[1], plan.x - centre[0])
    arcs = plan.random.integers(1, 3)
    key = np.cos(arcs * angle + plan.random.uniform(0, 2 * np.pi)) + plan.noise(0.5, 0.35)
    plan.take(key, plan.labels == _LABEL["CTpnz"], _LABEL["CTpan"], areas["CTpan"])


def _draw_islands(plan: _Plan, areas: Mapping[str, float]) -> None:
    """Islands of vessels in the cellular tumour, apart from each other and from its border."""
    tumour = plan.labels == _LABEL["CT"]
    room = scipy.ndimage.distance_transform_edt(tumour) * plan.pitch
    key = np.full(tumour.shape, np.inf)
    count = max(2, round(areas["CTmvp"] / 0.2))
    for _ in range(min(count, 6)):
        free = np.minimum(room, key / 2) * plan.random.uniform(0.7, 1, tumour.shape)
        row, column = np.unravel_index(int(np.argmax(free)), tumour.shape)
        distance = np.hypot(plan.x - plan.x[row, column], plan.y - plan.y[row, column])
        key = np.minimum(key, distance / plan.random.uniform(0.85, 1.15))
    key += plan.noise(0.25, 0.06)
    plan.take(key, tumour, _LABEL["CTmvp"], areas["CTmvp"])


def _smooth(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draw the planned map at full size with smooth borders and without slivers."""
    padded = (labels.shape[0] * _GRID, labels.shape[1] * _GRID)
    best = np.full(size, -1, np.float32)
    smooth = np.zeros(size, np.uint8)
    for label in range(len(REGIONS) + 1):
        share = scipy.ndimage.gaussian_filter((labels == label).astype(np.float32), 2.0)
        share = resize(share, padded)[: size[0], : size[1]]
        wins = share > best
        best[wins] = share[wins]
        smooth[wins] = label
    return smooth
