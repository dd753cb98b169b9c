"""What a reproduction came to, on one screen."""

from collections import Counter
from collections.abc import Iterable, Sequence

from histoniche.reproduction.comparison import Difference, Verdict

_MOST_LINES = 15
# A table is as good as its worst column.
_WORST: tuple[Verdict, ...] = ("missing", "differs", "not made", "within", "identical")
_WORDS = {
    "missing": "missing",
    "differs": "differ",
    "not made": "not made again",
    "within": "within their tolerance",
    "identical": "identical",
}


def summarise(
    differences: Sequence[Difference],
    versions: Iterable[tuple[str, str, str]],
    *,
    reused: bool,
    again: Sequence[str] = (),
) -> list[str]:
    """Lines for people: other versions first, then tables by verdict, then what differs.

    Parameters
    ----------
    differences
        Of all columns.
    versions
        Software whose versions differ: name, version in the bundle, version here.
    reused
        Whether networks came from the bundle.
    again
        Rules that trained networks all the same.
    """
    other = [
        f"{_safe(name)} {_safe(sealed)} in the bundle, {_safe(here)} here"
        for name, sealed, here in versions
    ]
    lines = _at_most(other, "other versions")
    if again:
        lines.append(f"networks were trained again all the same: {', '.join(again)}")
    elif reused:
        lines.append("networks were taken from the bundle, not trained again")
    verdicts = table_verdicts(differences)
    counts = Counter(verdicts.values())
    told = [f"{counts[verdict]} {_WORDS[verdict]}" for verdict in _WORST[::-1] if counts[verdict]]
    lines.append(f"{len(verdicts)} tables: {', '.join(told) or 'none to compare'}")
    bad = [one for one in differences if one.verdict in ("missing", "differs", "not made")]
    lines += _at_most([_line(one) for one in bad], "such columns")
    return lines


def table_verdicts(differences: Iterable[Difference]) -> dict[str, Verdict]:
    """Verdict on each table: that on its worst column."""
    found: dict[str, Verdict] = {}
    for one in differences:
        worse = min((one.verdict, found.get(one.table, "identical")), key=_WORST.index)
        found[one.table] = worse
    return found


def _line(one: Difference) -> str:
    """A difference in words."""
    column = f", {_safe(one.column)}" if one.column else ""
    by = ""
    if one.largest_absolute == one.largest_absolute:
        by = f", by up to {one.largest_absolute:.3g} (relative {one.largest_relative:.2g})"
        by += f" where {one.tolerance} is allowed"
    return f"{one.verdict}: {_safe(one.table)}{column}: {one.remark}{by}"


def _at_most(lines: Sequence[str], words: str) -> list[str]:
    """The first of some lines, and how many more there are."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"... and {more} more {words}"] if more > 0 else [])]


def _safe(text: str) -> str:
    """Text of a bundle that may go to a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:120]
