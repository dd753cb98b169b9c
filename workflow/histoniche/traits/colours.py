"""Colours of classes, probabilities and combinations of traits."""

from collections.abc import Sequence

import numpy as np

from histoniche.cohort.palette import rgb

CLASS_COLOURS = (
    *("#706AFC", "#D85218", "#2F996A", "#62345F"),
    *("#861309", "#A76D94", "#046850", "#4A38C8"),
)
"""Colours of classes at full confidence; any two differ by 15 (CIEDE2000) or more also to
colour-blind eyes. Further classes get hues at even distances, which are told apart less well."""

POSITIVE, NEUTRAL, NEGATIVE = "#C24A00", "#F4F1EC", "#0069A5"
"""Warm, neutral and cool end of binary traits."""

NO_POSITIVE = "#E5E5E5"
"""Colour of tiles that show none of the traits."""

ATTENTION_ENDS = (1 / 8, 8.0)
"""Attention, as a multiple of the mean, at the pale and at the dark end."""
_ATTENTION = ("#F4F1D9", "#5FA58F", "#12324F")

_SINGLE = {1: ("#E69F00",), 2: ("#E69F00", "#56B4E9", "#5B3A6E")}
# Found by a search for the largest least difference (CIEDE2000) to normal and colour-blind
# eyes, the darker the more traits; in the order of the combinations' numbers.
_COMBINATIONS = {
    **_SINGLE,
    3: ("#ED8B8B", "#CC9EED", "#798093", "#99E12C", "#9657E8", "#918112", "#812A3E"),
    4: (
        *("#B2B8F7", "#CFD009", "#6F867D", "#56CDA8", "#888157", "#6887FF", "#A20A01"),
        *("#C9A567", "#D44F13", "#9E98AC", "#605A6C", "#A067AC", "#6A3F3F", "#413C9B", "#1E0C2A"),
    ),
}
_FEWEST, _MOST = "#F6D27A", "#3B1F5B"
_LIGHTEST = 0.965
_TINT = 0.025
_SURE = 0.99


def class_colours(number: int) -> list[str]:
    """Colours of some classes, as #RRGGBB."""
    extra = max(0, number - len(CLASS_COLOURS))
    hues = np.arange(extra) * 2 * np.pi / max(1, extra)
    lab = np.stack([np.full(extra, 0.62), 0.12 * np.cos(hues), 0.12 * np.sin(hues)], -1)
    more = ["#{:02X}{:02X}{:02X}".format(*colour) for colour in _from_oklab(lab)]
    return [*CLASS_COLOURS[:number], *more]


def confidence_strength(probability: np.ndarray) -> np.ndarray:
    """How strongly a class is coloured, from the probability found for it.

    Parameters
    ----------
    probability
        Of the class that is most probable, 0 to 1.

    Returns
    -------
    0 (lightest) to 1 (full colour): the logarithm of the doubt that is left,
    log(1 - p) / log(0.01), so that each halving of the doubt adds as much: 0.15
    at p = 0.5, 0.5 at 0.9, 1 from 0.99 on.

    Notes
    -----
    The paper describes a logarithmic scale, very light below 0.5 and rising fast
    above, but gives no formula; the logarithm of p itself would rise fastest
    below 0.5.

    References
    ----------
    Truong et al. 2020, Neuro-Oncology Advances 2:vdaa110.
    """
    doubt = 1 - np.clip(np.asarray(probability, dtype=float), 0, _SURE)
    return np.asarray(np.log(doubt) / np.log(1 - _SURE))


def confidence_colours(classes: np.ndarray, probability: np.ndarray, number: int) -> np.ndarray:
    """Colour of tiles by class, darker the surer.

    Parameters
    ----------
    classes
        Number of the class of each tile.
    probability
        Probability of that class.
    number
        How many classes there are.

    Returns
    -------
    uint8 (tiles, 3).
    """
    full = _to_oklab(np.array([rgb(colour) for colour in class_colours(number)], dtype=float))
    chroma = np.hypot(full[:, 1], full[:, 2])[:, None]
    light = np.concatenate(
        [np.full((number, 1), _LIGHTEST), full[:, 1:] / np.maximum(chroma, 1e-9) * _TINT], 1
    )
    strength = confidence_strength(probability)[:, None]
    return _from_oklab((1 - strength) * light[classes] + strength * full[classes])


def diverging_colours(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Colour of tiles by the probability of being positive: cool, neutral at the threshold, warm.

    Returns
    -------
    uint8 (tiles, 3).
    """
    found = np.asarray(probability, dtype=float)
    above = (found - threshold) / max(1 - threshold, 1e-9)
    below = (threshold - found) / max(threshold, 1e-9)
    strength = np.clip(np.where(found >= threshold, above, below), 0, 1)[:, None]
    ends = _to_oklab(np.array([rgb(c) for c in (NEGATIVE, NEUTRAL, POSITIVE)], dtype=float))
    side = np.where(found >= threshold, 2, 0)
    return _from_oklab((1 - strength) * ends[1] + strength * ends[side])


def attention_colours(relative: np.ndarray) -> np.ndarray:
    """Colour of tiles by their attention: from pale to dark in even steps of its logarithm.

    Parameters
    ----------
    relative
        Attention as a multiple of the mean over the bag's tiles; cut at 1/8 and 8.

    Returns
    -------
    uint8 (tiles, 3).
    """
    least, most = np.log2(ATTENTION_ENDS)
    place = np.log2(np.clip(relative, *ATTENTION_ENDS))
    strength = (place - least) / (most - least)
    shades = _to_oklab(np.array([rgb(colour) for colour in _ATTENTION], dtype=float))
    steps = np.linspace(0, 1, len(shades))
    return _from_oklab(np.stack([np.interp(strength, steps, band) for band in shades.T], -1))


def combination_colours(traits: int) -> list[str]:
    """Colours of the 2^k - 1 combinations of up to four traits, by number.

    Trait i has bit 2^i of the number; number 1 comes first.

    Raises
    ------
    KeyError
        For more than four traits, which `count_colours` is for.
    """
    return list(_COMBINATIONS[traits])


def count_colours(traits: int) -> list[str]:
    """Colours of 1 to `traits` positive traits at once, light to dark."""
    steps = np.linspace(0, 1, traits)[:, None]
    first, last = _to_oklab(np.array([rgb(_FEWEST), rgb(_MOST)], dtype=float))
    mixed = _from_oklab((1 - steps) * first + steps * last)
    return ["#{:02X}{:02X}{:02X}".format(*colour) for colour in mixed]


def as_rgb(colours: Sequence[str]) -> np.ndarray:
    """Colours #RRGGBB as uint8 (number, 3)."""
    return np.array([rgb(colour) for colour in colours], np.uint8).reshape(-1, 3)


# Oklab: B. Ottosson 2020, https://bottosson.github.io/posts/oklab
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_FROM_CONES = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_oklab(colours: np.ndarray) -> np.ndarray:
    """Colours, 0 to 255, in a space where even steps look even."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _FROM_CONES.T)


def _from_oklab(lab: np.ndarray) -> np.ndarray:
    """Inverse of `_to_oklab`, uint8; what no screen shows is cut."""
    linear = (lab @ np.linalg.inv(_FROM_CONES).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    linear = np.clip(linear, 0, 1)
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray((255 * share).round().astype(np.uint8))
