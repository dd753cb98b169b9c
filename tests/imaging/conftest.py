import pytest

from scan_files import make_maps, make_tumour, save


@pytest.fixture
def write_scan(tmp_path):
    """Write a patient's files, some of them changed, and return the row of the sheet."""

    def write(*, axes="RAS", affine=None, changes=None, folder="scan"):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        volumes = {**make_maps(), "mask": make_tumour(), **(changes or {})}
        row = {"patient": "P1", "brain_mask": None, "dwi": None, "bvals": None, "bvecs": None}
        for name, data in volumes.items():
            row[name] = save(data, place / f"{name}.nii.gz", affine, axes)
        return row

    return write
