"""Random search: settings of a training, drawn from a space by the number of a trial."""

import math
from collections.abc import Mapping
from typing import Any

from histoniche.randomness import generator

Range = Mapping[str, Any]
"""One of `choices` (a list), `uniform`, `log_uniform` or `integers` (least and most)."""


def draw_trial(space: Mapping[str, Range], trial: int, *, seed: int) -> dict[str, Any]:
    """Draw the settings of one trial.

    Parameters
    ----------
    space
        Ranges by key; a dot leads into a block, such as `augment.stain.strength`.
    trial
        Number of the trial, from 1.
    seed
        Seed of the run.

    Returns
    -------
    Value by key. It depends on the seed, the trial and the key's own range
    alone: more trials or more keys leave the others as they were.

    References
    ----------
    Bergstra and Bengio 2012, J Mach Learn Res 13:281, on random against grid search.
    """
    return {key: _draw(space[key], trial, key, seed) for key in sorted(space)}


def with_values(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with some values changed; a dot in a key leads into a block.

    Raises
    ------
    KeyError
        If there is no such key.
    """
    changed = dict(settings)
    for key, value in values.items():
        name, _, rest = key.partition(".")
        if name not in changed or (rest and not isinstance(changed[name], Mapping)):
            raise KeyError(key)
        changed[name] = with_values(changed[name], {rest: value}) if rest else value
    return changed


def _draw(one: Range, trial: int, key: str, seed: int) -> Any:
    """Draw the value of one key."""
    ((kind, range_),) = one.items()
    rng = generator(seed, "trial", trial, key)
    if kind == "choices":
        return range_[int(rng.integers(len(range_)))]
    least, most = range_
    if kind == "integers":
        return int(rng.integers(least, most, endpoint=True))
    if kind == "log_uniform":
        return _rounded(math.exp(rng.uniform(math.log(least), math.log(most))))
    return _rounded(rng.uniform(least, most))


def _rounded(value: float) -> float:
    """Three significant digits, so that people can read and repeat it."""
    return float(f"{value:.3g}")
