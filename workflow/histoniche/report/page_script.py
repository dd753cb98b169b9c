"""The summary page's own script, the only one that may run in it."""

import base64
import hashlib
from pathlib import Path

_PLACE = Path(__file__).parent / "templates" / "page.js"


def page_script() -> str:
    """The script as it stands in the page."""
    return _PLACE.read_text(encoding="utf-8")


def script_source(script: str) -> str:
    """Name of a script by its content, as a content security policy allows it."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
