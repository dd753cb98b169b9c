"""What is wrong with a configuration, and what to do about it."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A key whose value does not go with the others."""

    key: str
    text: str
    remedy: str
    value: object = None
