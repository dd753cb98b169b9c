"""Networks of a bundle, put where a run would leave them, so that it need not train them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from histoniche.errors import InputError
from histoniche.reproduction.lineage import Action

TRAINING = ("train_head", "train_trait", "train_trait_mil", "train_risk", "train_slide_signature")
"""Rules that train a network and leave nothing else."""

_RISKS = ("imaging", "slide_signature")


def check_reusable(settings: Mapping[str, Any]) -> None:
    """Networks that were searched for were not left by their training alone.

    Raises
    ------
    InputError
        If the study searched for its networks.
    """
    tuning = settings.get("segmentation", {}).get("tuning", {})
    if tuning.get("trials"):
        raise InputError(
            "its networks were chosen among trials, whose models a bundle does not hold",
            column="segmentation.tuning",
            remedy="leave out --reuse-models",
        )


def left_by_training(name: str) -> str | None:
    """Place among the results of a file of the bundle that a training left; None if none did.

    Parameters
    ----------
    name
        Name inside the bundle, such as `models/imaging/0/model.json`.
    """
    parts = PurePosixPath(name).parts
    if len(parts) < 4 or parts[0] != "models":
        return None
    if parts[1] == "traits":
        return "/".join(parts[1:]) if len(parts) == 5 else None
    if parts[1] in _RISKS:
        return "/".join((parts[1], "models", *parts[2:]))
    return name


def training_files(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names inside the bundle, with their places among the results, of what trainings left."""
    for name in names:
        place = left_by_training(name)
        if place is not None:
            yield name, place


def trainings_of(actions: Iterable[Action], names: Iterable[str]) -> list[str]:
    """Rules that trained the networks of a bundle; none if it brought finished ones along.

    Raises
    ------
    InputError
        If the bundle holds what trainings leave, but does not tell of any.
    """
    ran = {action.rule for action in actions}
    rules = [rule for rule in TRAINING if rule in ran]
    left = [name for name, _ in training_files(names) if name.endswith("/history.parquet")]
    if left and not rules:
        remedy = "leave out --reuse-models"
        raise InputError("the bundle does not tell what trained it", value=left[0], remedy=remedy)
    return rules


def put_models(files: Iterable[tuple[str, bytes]], results: Path) -> int:
    """Write files where trainings leave them, those that are not there yet; how many there are."""
    number = 0
    for place, data in files:
        path = results / place
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        number += 1
    return number
