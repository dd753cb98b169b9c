"""Tokens for controlled files: read from a file that nobody else can read, and never shown."""

import stat
from pathlib import Path

from histoniche.errors import InputError


class Token:
    """A secret that is sent to one service; what prints or logs it shows nothing of it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The secret itself, for the header of a request."""
        return self._secret

    def __repr__(self) -> str:
        """Nothing of the secret."""
        return "Token(...)"

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse to be copied into a file or another process."""
        raise TypeError("a token is not written anywhere")


def read_token(path: Path) -> Token:
    """Read a token, such as the GDC's portal gives out.

    Raises
    ------
    InputError
        If the file is missing, others than its owner may read or write it, or it holds no
        token. The message says nothing of its content.
    """
    if not path.is_file():
        remedy = "name the file that the portal gave you"
        raise InputError("no such file with a token", file=path, remedy=remedy)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise InputError(
            f"others than you may open this token (mode {mode:o})",
            file=path,
            remedy=f"run chmod 600 {path}",
        )
    secret = path.read_bytes().strip()
    if not secret or not all(33 <= byte <= 126 for byte in secret):
        remedy = "fetch a new token from the portal and save it as it is"
        raise InputError("holds no token", file=path, remedy=remedy)
    return Token(secret.decode("ascii"))
