"""A nomogram read for one patient, from what was typed."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError
from histoniche.survival.nomogram import Nomogram, read_nomogram, total_points


def predict(path: Path, settings: Sequence[str], *, extrapolate: bool = False) -> list[str]:
    """Read a patient's survival off a nomogram.

    Parameters
    ----------
    path
        A nomogram as `histoniche.survival.nomogram.write_nomogram` writes it.
    settings
        Value of every covariate, such as "age=61" and "mgmt=methylated".
    extrapolate
        Whether a value outside the range seen is used, with a warning, and not refused.

    Returns
    -------
    Lines: the model and what it rests on, the points, and the probability of being
    alive after each of the nomogram's days.

    Raises
    ------
    InputError
        If the file is no nomogram, or a covariate is missing, unknown or set twice, a
        level unknown, a value no number or outside the range seen.
    """
    if not path.is_file():
        remedy = "name one of survival/clinical in the folder of results"
        raise InputError("no such nomogram", file=path, remedy=remedy)
    nomogram = read_nomogram(path)
    patient = _patient(nomogram, settings)
    return list(_lines(nomogram, patient, extrapolate=extrapolate))


def _patient(nomogram: Nomogram, settings: Sequence[str]) -> dict[str, str]:
    """Value of each covariate; an InputError if one is not set, or what is set is none."""
    known = {axis.name: axis for axis in nomogram.axes}
    patient: dict[str, str] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not (equals and value):
            remedy = "write NAME=VALUE, such as age=61"
            raise InputError("no covariate and its value", value=setting, remedy=remedy)
        if name not in known:
            remedy = nearest(name, known)
            raise InputError("the nomogram has no such covariate", value=name, remedy=remedy)
        if name in patient:
            raise InputError("set twice", column=name, value=value, remedy="set it once")
        patient[name] = value
    missing = [name for name in known if name not in patient]
    if missing:
        axis = known[missing[0]]
        example = f"{axis.low:g}" if axis.numeric else axis.labels[0]
        remedy = f"set every covariate, say --set {missing[0]}={example}"
        raise InputError(f"{', '.join(missing)}: not set", remedy=remedy)
    return patient


def _lines(nomogram: Nomogram, patient: dict[str, str], *, extrapolate: bool) -> Iterator[str]:
    """What is read off, with what it rests on."""
    size = f"n = {nomogram.n:,} patients, {nomogram.events:,} deaths"
    yield f"model {nomogram.name}, {size}; for research only"
    total = total_points(nomogram, patient, extrapolate=extrapolate)
    yield f"total points {total:.1f}"
    for days, share in zip(nomogram.days, nomogram.survival, strict=True):
        alive = 100 * share ** math.exp(nomogram.linear_predictor(total))
        yield f"alive after {days:g} days: {f'{alive:.1f} %' if alive >= 0.1 else 'below 0.1 %'}"
