"""The whole examination, in the order in which things have to be right."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from rich.progress import track

from histoniche.cohort.images import images
from histoniche.cohort.sources.remote import Remote
from histoniche.cohort.study import Study, read_study
from histoniche.doctor.cluster import check_cluster, read_profile
from histoniche.doctor.containers import check_containers
from histoniche.doctor.environment import check_environment
from histoniche.doctor.findings import Finding
from histoniche.doctor.graphics import check_graphics, cuda_of_torch
from histoniche.doctor.slides import Probe, check_slides, choose_slides, probe_slides
from histoniche.doctor.space import bytes_of_scan, bytes_of_slide, check_space, existing
from histoniche.errors import InputError
from histoniche.imaging.prepared import Prepared
from histoniche.running import CHECKOUT


def examine(config: Path, *, profile: Path | None, slides: int | None) -> Iterator[Finding]:
    """Look at machine, cluster and cohort; each finding as soon as it is made.

    Parameters
    ----------
    config
        The study's configuration.
    profile
        Folder of Snakemake's profile, such as `slurm`; None for this machine.
    slides
        How many slides to open; None for all.
    """
    yield from check_environment(CHECKOUT / "envs" / "workflow.lock")
    settings: dict[str, Any] = {}
    try:
        settings = read_profile(profile) if profile else {}
        study = _read(config)
    except InputError as error:
        yield _wrong(error)
        return
    on_cluster = settings.get("executor") == "slurm"
    needed = bool({"segmentation", "traits", "imaging"} & set(study.config))
    yield from check_graphics(needed=needed, on_cluster=on_cluster, cuda=cuda_of_torch())
    yield from check_containers(settings, images(study.config, CHECKOUT).values())
    counts = f"{len(study.patients)} patients, {len(study.used)} slides to be used"
    scans = f", {len(study.used_scans)} scans" if "imaging" in study.config else ""
    yield Finding("ok", counts + scans)
    if on_cluster and profile is not None:
        yield from _examine_cluster(config, profile)
    if len(study.used) or len(study.used_scans):
        yield from _examine_slides(study, slides)


def _read(config: Path) -> Study:
    """The checked study of a configuration file."""
    if not config.is_file():
        raise InputError("no such file", file=config, remedy="name it by --config")
    try:
        text = yaml.safe_load(config.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {error}", file=config, remedy="mend it") from error
    return read_study(text or {}, file=str(config))


def _examine_cluster(config: Path, profile: Path) -> Sequence[Finding]:
    """What the profile asks of the cluster."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return check_cluster(CHECKOUT, config=config, profile=profile, scratch=Path(scratch))
        except InputError as error:
            return [_wrong(error)]


def _examine_slides(study: Study, number: int | None) -> Iterator[Finding]:
    """Whether slides can be opened, and scans and slides have room for what they become."""
    away = [
        remote
        for path in study.used["path"]
        if not Path(path).exists() and (remote := study.coming.remote(path))
    ]
    if away:
        size = _size(away) / 1e9
        yield Finding("ok", f"{len(away)} slides are still to be fetched, {size:.1f} GB")
    here = study.used[[Path(path).exists() for path in study.used["path"]]]
    probes: list[Probe] = []
    if len(here):
        chosen = choose_slides(here, number=number)
        opened = track(probe_slides(chosen), "opening slides", total=len(chosen), transient=True)
        probes = list(opened)
        yield from check_slides(
            probes, of=len(study.used), on_bad_slide=str(study.config["on_bad_slide"])
        )
    yield from _examine_space(study, probes)


def _examine_space(study: Study, probes: Sequence[Probe]) -> Iterator[Finding]:
    """Whether disks hold what is to be fetched, and what slides and scans become."""
    results, fetched = Path(study.config["results"]), Path(study.coming.folder)
    needed = {**_of_slides(study, probes), **_of_scans(study)}
    files = _to_be_fetched(study)
    if files and existing(results).stat().st_dev == existing(fetched).stat().st_dev:
        needed |= files
    elif files:
        yield check_space(fetched, files, remedy="put the cohort on a larger disk")
    if probes and all(probe.reason for probe in probes):
        yield Finding("warn", "no slide opened: what slides will take is not known")
    if needed:
        remedy = "name a larger disk in `results`, or coarser tilings"
        yield check_space(results, needed, remedy=remedy)


def _to_be_fetched(study: Study) -> dict[str, float]:
    """Bytes of the files that a source has, and that stay once they were fetched."""
    passing = set() if study.coming.keeps_slides else set(map(os.path.normpath, study.used["path"]))
    remotes = [
        remote
        for path, remote in study.coming.remotes.items()
        if path not in passing and not Path(path).exists()
    ]
    return {f"{len(remotes)} files to be fetched": _size(remotes)} if remotes else {}


def _of_slides(study: Study, probes: Sequence[Probe]) -> dict[str, float]:
    """Bytes that the slides take that are not cut yet, as those that were opened tell."""
    tiles = Path(study.config["results"]) / "tiles"
    paths = dict(study.used["path"])
    sizes = [
        bytes_of_slide(probe, Path(paths[probe.slide]).stat().st_size, study.config)
        for probe in probes
        if not probe.reason
    ]
    tilings = list(study.config.get("tilings", {}))
    left = [
        slide
        for slide in study.used["slide"]
        if not all((tiles / tiling / f"{slide}.zarr").is_dir() for tiling in tilings)
    ]
    return {f"{len(left)} slides": len(left) * fmean(sizes)} if sizes else {}


def _of_scans(study: Study) -> dict[str, float]:
    """Bytes that the scans take that are not prepared yet."""
    folder = Path(study.config["results"]) / "imaging" / "scans"
    left = [
        patient
        for patient in study.used_scans["patient"]
        if not Prepared.beneath(folder / patient).sample.is_file()
    ]
    return {f"{len(left)} scans": len(left) * bytes_of_scan(study.config)} if left else {}


def _size(remotes: Sequence[Remote]) -> float:
    """Bytes of files of a source, as far as it says."""
    return float(sum(remote.size or 0 for remote in remotes))


def _wrong(error: InputError) -> Finding:
    """A user's mistake as a finding."""
    return Finding("wrong", str(error))
