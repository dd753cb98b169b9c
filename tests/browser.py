"""A real browser for the tests, and what npm brings to its pages."""

import os
import shutil

import pytest

from histoniche.viewer import assets

CHROMIUM = os.environ.get("HISTONICHE_CHROMIUM") or shutil.which("chromium") or ""
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_MODULES = assets.HERE / "node_modules"
AXE = _MODULES / "axe-core" / "axe.min.js"


def _needs(there: bool, reason: str) -> pytest.MarkDecorator:
    """Skip what lacks something, unless REQUIRE_BROWSER says that all must be there."""
    return pytest.mark.skipif(not there and "REQUIRE_BROWSER" not in os.environ, reason=reason)


NEEDS_CHROMIUM = _needs(bool(CHROMIUM), "no chromium here: apt-get install chromium")
NEEDS_OPENSEADRAGON = _needs(
    (_MODULES / "openseadragon").is_dir(), "OpenSeadragon is not installed: make viewer"
)
NEEDS_AXE = _needs(AXE.is_file(), "no axe-core here: make test-viewer fetches it")
