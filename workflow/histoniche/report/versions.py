"""Versions of the software that a run used."""

import importlib.metadata
import platform
from collections.abc import Iterator

from histoniche import __version__

_PACKAGES = (
    "dipy",
    "gseapy",
    "imagecodecs",
    "jinja2",
    "jsonschema",
    "lifelines",
    "lightning",
    "matplotlib",
    "nibabel",
    "numpy",
    "openslide-bin",
    "openslide-python",
    "pandas",
    "pillow",
    "pyarrow",
    "rocrate",
    "safetensors",
    "scikit-image",
    "scipy",
    "segmentation-models-pytorch",
    "simplejpeg",
    "snakemake",
    "statsmodels",
    "tifffile",
    "torch",
    "torchstain",
    "torchvision",
    "zarr",
)


def software_versions() -> dict[str, str]:
    """HistoNiche, Python and the packages of this environment that the workflow builds on."""
    return {"histoniche": __version__, "python": platform.python_version(), **dict(_packages())}


def _packages() -> Iterator[tuple[str, str]]:
    """Packages that are here, with their versions."""
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
