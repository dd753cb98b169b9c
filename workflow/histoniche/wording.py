"""Words of a sentence that depend on what they speak of."""

from collections.abc import Sequence


def count(number: int, singular: str, plural: str = "") -> str:
    """Write a count with its noun: 1 patient, 1,204 patients."""
    noun = singular if number == 1 else plural or f"{singular}s"
    return f"{number:,} {noun}"


def join_words(words: Sequence[str]) -> str:
    """Join words as in a sentence: a; a and b; a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def listed(parts: Sequence[str], *, most: int = 5, between: str = ", ") -> str:
    """The first `most` parts, and how many more there are: a, b and 3 more."""
    if len(parts) <= most:
        return join_words(parts) if between == ", " else between.join(parts)
    return f"{between.join(parts[:most])} and {len(parts) - most:,} more"
