"""What the configuration says of the traits, for all who tell of them."""

from collections.abc import Mapping
from typing import Any

from histoniche.report.results import Results


def named_traits(results: Results) -> dict[str, Mapping[str, Any]]:
    """Settings of each trait by its name, in the configuration's order."""
    return dict(results.block("traits").get("named") or {})


def bag_traits(results: Results) -> list[str]:
    """Traits that are learned from whole slides, not from their tiles."""
    return [name for name, own in named_traits(results).items() if own.get("method") == "mil"]


def tile_traits(results: Results) -> list[str]:
    """Traits that are learned from tiles."""
    bags = bag_traits(results)
    return [name for name in named_traits(results) if name not in bags]


def folds(results: Results) -> int:
    """Number of folds of a cross-validation; 0 where test patients were set aside."""
    rounds = results.block("traits").get("rounds") or {}
    return int(rounds.get("folds", 0)) if rounds.get("method") == "kfold" else 0


def trained_elsewhere(results: Results) -> bool:
    """Whether the networks were brought along, so that nobody was learned from or tested."""
    return bool(results.block("traits").get("pretrained"))


def run_tests(results: Results) -> list[str]:
    """Tests by which trainings were compared round by round."""
    block = results.block("traits")
    pairs = [*(block.get("comparisons") or {}).values(), *(block.get("chains") or {}).values()]
    return sorted({str(own.get("test", "corrected")) for own in pairs})


def shows_cam(results: Results) -> bool:
    """Whether the surest tiles are shown with what the network looked at."""
    gallery = results.block("traits").get("gallery") or {}
    return bool(gallery.get("grad_cam")) and bool(results.paths("trait_galleries"))
