"""Environment, GPU, containers and space."""

import importlib.metadata
import sys

import numpy as np
import pytest

from histoniche.doctor.containers import check_containers
from histoniche.doctor.environment import check_environment
from histoniche.doctor.graphics import check_graphics, cuda_of_torch
from histoniche.doctor.slides import Probe
from histoniche.doctor.space import bytes_of_scan, bytes_of_slide, check_space
from histoniche.imaging.samples import empty_sample, write_sample


def test_packages_are_compared_with_the_lock(tmp_path):
    numpy = importlib.metadata.version("numpy")
    lock = tmp_path / "own.lock"
    lock.write_text(
        f"# made\nnumpy=={numpy} \\\n    --hash=sha256:00\n"
        "pandas==0.1 \\\n    --hash=sha256:00\n"
        "no-such-package==1.0\n"
        "colorama==0.1 ; sys_platform == 'win32'\n"
    )
    here = ".".join(map(str, sys.version_info[:2]))
    first, missing, other = check_environment(lock)
    assert first == ("ok", f"Python {here}, 1 packages as own.lock pins", "")
    assert missing[:2] == ("wrong", "not installed: no-such-package==1.0")
    assert other.level == "warn" and "instead of ==0.1" in other.what
    assert [one.level for one in check_environment(lock, python=(3, 10))] == ["wrong"]


CARD = "NVIDIA A100-SXM4-80GB, 81920, {driver}.54.03"


def test_a_gpu_is_named_and_its_driver_weighed(put):
    check = {"needed": True, "on_cluster": False, "cuda": "13.2"}
    put("nvidia-smi", CARD.format(driver=580))
    (found,) = check_graphics(**check)
    assert found.level == "ok" and "A100-SXM4-80GB, 80 GB, driver 580.54.03" in found.what
    put("nvidia-smi", CARD.format(driver=535))
    (found,) = check_graphics(**check)
    assert found.level == "wrong" and found.remedy == "install driver 580 or newer"
    assert check_graphics(**{**check, "cuda": "12.8"})[0].level == "ok"
    assert check_graphics(**{**check, "cuda": None})[0].level == "warn"
    put("nvidia-smi", "No devices were found", status=6)
    assert "No devices were found" in check_graphics(**check)[0].what


def test_without_a_gpu_it_depends_on_who_needs_one(put):
    check = {"cuda": "13.2"}
    assert check_graphics(needed=True, on_cluster=False, **check)[0].level == "warn"
    assert check_graphics(needed=True, on_cluster=True, **check)[0].level == "ok"
    assert check_graphics(needed=False, on_cluster=False, **check)[0].level == "ok"


def test_the_cuda_of_torch_is_read_without_importing_it():
    import torch

    assert cuda_of_torch() == torch.version.cuda


def test_containers_want_a_program_and_images_that_are_there(put, tmp_path, monkeypatch):
    # The machine may have one of its own.
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    image = tmp_path / "a.sif"
    profile = {"software-deployment-method": ["conda", "apptainer"]}
    assert [one.level for one in check_containers({}, [str(image)])] == ["ok"]
    assert [one.level for one in check_containers(profile, [str(image)])] == ["wrong"]
    put("apptainer", "apptainer version 1.4.5")
    images = [str(image), "docker://somewhere/b"]
    assert [one.level for one in check_containers(profile, images)] == ["ok", "wrong", "warn"]
    image.write_bytes(b"x")
    assert [one.level for one in check_containers({"sdm": "apptainer"}, images)][1] == "ok"


@pytest.mark.parametrize(("free", "level"), [(999, "wrong"), (1100, "warn"), (2000, "ok")])
def test_space_is_that_of_all_that_is_still_to_be_written(tmp_path, free, level):
    needed = {"10 slides": 700, "2 scans": 300}
    found = check_space(tmp_path / "new" / "results", needed, remedy="mend it", free=free)
    assert found.level == level
    assert "for 10 slides and 2 scans" in found.what
    assert found.remedy == {"wrong": "mend it", "warn": "keep others from filling the disk"}.get(
        level, ""
    )


def test_free_space_is_that_of_the_disk_of_the_results(tmp_path):
    found = check_space(tmp_path / "new" / "results", {"1 slides": 1e30}, remedy="none")
    assert found.level == "wrong" and "0.0 GB free" not in found.what


def test_a_finer_tiling_takes_more_by_its_pixels():
    probe = Probe("S", "", width=40_000, height=30_000, mpp=0.25)
    tiling = {"mpp": 0.5, "codec": "none"}
    config = {"tilings": {"cell": tiling}}
    pictures = bytes_of_slide(probe, 10**9, {})
    assert bytes_of_slide(probe, 10**9, config) - pictures == 20_000 * 15_000 * 3
    copied = {"tilings": {"cell": {**tiling, "codec": "source-jpeg"}}}
    assert bytes_of_slide(probe, 10**9, copied) - pictures == pytest.approx(1.0044e9)
    both = {**config, "segmentation": {"tiling": "cell"}}
    more = bytes_of_slide(probe, 10**9, both) - bytes_of_slide(probe, 10**9, config)
    assert more == pytest.approx(20_000 * 15_000 * (2 + 4 / 3))
    fitted = {"tilings": {"cell": {"fit_px": 4_000, "codec": "none"}}}
    assert bytes_of_slide(probe, 10**9, fitted) - pictures == pytest.approx(4_000 * 3_000 * 3)


def test_a_scan_takes_its_sample_once_more_for_the_activation_and_its_picture(tmp_path):
    config = {"imaging": {"maps": ["FA", "MD"], "sample": {"slices": 4, "side": 96}}}
    sample = empty_sample(2, 96)._replace(
        images=np.zeros((4, 2, 96, 96), np.float32),
        tumour=np.zeros((4, 96, 96), np.uint8),
        axial=np.arange(4, dtype=np.int32),
    )
    write_sample(sample, tmp_path / "sample.safetensors")
    activation, pictures = 4 * 96 * 96 * 4, 4 * 60_000
    whole = (tmp_path / "sample.safetensors").stat().st_size + activation + pictures
    assert bytes_of_scan(config) == pytest.approx(whole, rel=0.01)
