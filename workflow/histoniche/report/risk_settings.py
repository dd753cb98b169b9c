"""What the configuration says of risks that networks learn, for all who tell of them."""

from typing import Any, NamedTuple

from histoniche.report.results import Results


class Signature(NamedTuple):
    """One risk that networks learn from survival."""

    block: str
    """Its block of the configuration, and its folder of results."""
    score: str
    """Its name among the scores."""
    words: str
    """What it is, in running text."""
    settings: dict[str, Any]
    """The block, its defaults filled in."""


_WORDS = {"imaging": "imaging signature", "slide_signature": "slide signature"}


def signatures_of(results: Results) -> list[Signature]:
    """Risks that were learned, or applied, and measured in this run."""
    found = []
    for name, words in _WORDS.items():
        if results.has(f"{name}_performance"):
            settings = results.block(name)
            found.append(Signature(name, str(settings.get("score", name)), words, settings))
    return found
