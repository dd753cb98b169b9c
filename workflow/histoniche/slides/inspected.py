"""Names of the files that the inspection of a slide leaves behind, for all that reads them."""

from pathlib import Path
from typing import NamedTuple


class Inspected(NamedTuple):
    """Files of one inspected slide."""

    report: Path
    thumbnail: Path
    tissue: Path
    contour: Path
    artefacts: Path
    picture: Path

    @classmethod
    def beneath(cls, folder: Path) -> "Inspected":
        """Files of the slide that `folder` is for."""
        return cls(
            report=folder / "inspection.json",
            thumbnail=folder / "thumbnail.png",
            tissue=folder / "tissue.png",
            contour=folder / "tissue.geojson",
            artefacts=folder / "artefacts.png",
            picture=folder / "contour.png",
        )
