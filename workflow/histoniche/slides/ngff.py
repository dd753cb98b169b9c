"""OME-Zarr (NGFF): where its metadata and its arrays lie, in version 0.4 and 0.5 alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FAULTS = (ValueError, KeyError, IndexError, TypeError, OSError)
"""What a folder that is no OME-Zarr image makes the readers of its metadata raise."""


def open_multiscale(path: Path) -> tuple[Mapping[str, Any], Any]:
    """Open an OME-Zarr image.

    Parameters
    ----------
    path
        Folder of the image.

    Returns
    -------
    The entry of `multiscales`, whose `datasets` name the levels from the finest
    on, and the group that holds them.

    Raises
    ------
    Exception
        One of `FAULTS` if it is none.

    References
    ----------
    Moore et al. 2023, Histochem Cell Biol 160:223 (OME-Zarr).
    """
    import zarr  # noqa: PLC0415 - costs a quarter of a second, and few slides need it

    group = zarr.open_group(path, mode="r")
    attributes = dict(group.attrs)
    # From 0.5 on the metadata stand under a key of their own.
    return attributes.get("ome", attributes)["multiscales"][0], group
