"""Names of the files that the preparation of a scan leaves behind, for all that reads them."""

from pathlib import Path
from typing import NamedTuple

from histoniche.cohort.scan_sheet import FITTED_MAPS


class Prepared(NamedTuple):
    """Files of one patient's prepared scan."""

    sample: Path
    quality: Path
    picture: Path

    @classmethod
    def beneath(cls, folder: Path) -> "Prepared":
        """Files of the patient that `folder` is for."""
        return cls(
            sample=folder / "sample.safetensors",
            quality=folder / "quality.json",
            picture=folder / "picture.png",
        )


def fitted_maps(folder: Path) -> dict[str, Path]:
    """Maps that were fitted from raw diffusion volumes, by name, in a patient's folder."""
    return {name: folder / "maps" / f"{name}.nii.gz" for name in FITTED_MAPS}
