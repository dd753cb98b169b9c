"""What pages bring to the browser: the viewer's own scripts and styles, and OpenSeadragon."""

from pathlib import Path

from histoniche.errors import InputError

HERE = Path(__file__).parent
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"

_MODULES = HERE / "node_modules"
_SERVED = "openseadragon/build/openseadragon/openseadragon.min.js"


def find_openseadragon(modules: Path = _MODULES) -> Path:
    """The script that draws slides, as `make viewer` fetches it.

    Parameters
    ----------
    modules
        Folder that npm installs to.

    Raises
    ------
    InputError
        If it is not there.
    """
    script = modules / _SERVED
    if not script.is_file():
        raise InputError(
            "OpenSeadragon, which draws the slides, is not installed",
            file=script,
            remedy="type make viewer in the checkout; it needs npm (apt-get install npm)",
        )
    return script
