"""Slides fetched, inspected and tiled, and removed again, some at a time."""

import logging
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from histoniche.cohort.batches import batch_slides
from histoniche.cohort.sources.cohort_files import merged
from histoniche.cohort.sources.command import fetch_some
from histoniche.cohort.sources.records import remove
from histoniche.cohort.study import Study, read_study
from histoniche.errors import InputError
from histoniche.running import find_snakemake, run_to_end


def stream(
    configs: Sequence[Path],
    arguments: Sequence[str],
    *,
    slides_at_once: int,
) -> int:
    """Bring every slide of a study through inspection and tiling, with few of them on the disk.

    While the workflow works on some slides, the next are fetched; those that are done are
    removed. Stopped and started again, it goes on with the slides that are not done, and so it
    does with those whose tiling or other settings changed since.

    Parameters
    ----------
    configs
        Files of the configuration, as `snakemake --configfile` takes them.
    arguments
        Further ones for snakemake, such as --cores all or --profile slurm.
    slides_at_once
        About how many slides are worked on; up to twice as many stand on the disk.

    Returns
    -------
    Number of slides that were brought through.

    Raises
    ------
    InputError
        If the configuration does not fit or keeps its slides, a file cannot be fetched, or the
        workflow fails; slides that it failed on stay.
    """
    study = _read(configs)
    windows = list(windows_of(study, slides_at_once, pending=_pending(study, configs, arguments)))
    folder = Path(study.coming.folder)
    rate = round(1000 * (study.config["sources"]["megabytes_per_s"] or 0))
    number = 0
    with ThreadPoolExecutor(1) as pool:

        def begin(batches: Mapping[str, Sequence[str]]) -> Any:
            paths = [one for slides in batches.values() for one in _sources(study, slides)]
            return pool.submit(fetch_some, folder, paths, kilobytes_per_s=rate)

        ahead = [begin(window) for window in windows[:1]]
        for place, batches in enumerate(windows):
            ahead.pop().result()
            ahead += [begin(window) for window in windows[place + 1 : place + 2]]
            run_to_end(_command(configs, manifests_of(study, batches), arguments))
            slides = [slide for own in batches.values() for slide in own]
            for path in _sources(study, slides):
                remove(path, folder)
            number += len(slides)
            logging.info("%d slides are done, %d of %d steps", number, place + 1, len(windows))
    return number


def windows_of(
    study: Study, slides_at_once: int, *, pending: Collection[str]
) -> Iterator[dict[str, list[str]]]:
    """Batches of slides that are worked on together, without those that are done.

    A batch is done when none of its manifests is `pending`. A window has about so many slides,
    and one batch at least.
    """
    batches = batch_slides(study.slide_groups, size=_size(study))
    window: dict[str, list[str]] = {}
    for name, slides in batches.items():
        if not set(manifests_of(study, [name])).intersection(pending):
            continue
        if window and sum(map(len, window.values())) + len(slides) > slides_at_once:
            yield window
            window = {}
        window[name] = slides
    if window:
        yield window


def manifests_of(study: Study, batches: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """What inspecting and tiling some batches leaves behind, as targets of the workflow."""
    stages = ["slides", *(f"tiles/{tiling}" for tiling in study.config.get("tilings", {}))]
    results = study.config["results"]
    return [f"{results}/{stage}/.batches/{name}.json" for stage in stages for name in batches]


def _read(configs: Sequence[Path]) -> Study:
    """The study of a configuration that does not keep its slides."""
    config: dict[str, Any] = {}
    for path in configs:
        if not path.is_file():
            raise InputError("no such file", file=path, remedy="name the configuration")
        config = merged(config, yaml.safe_load(path.read_text(encoding="utf-8")))
    study = read_study(config, file=", ".join(map(str, configs)))
    if study.coming.keeps_slides:
        remedy = "set sources.keep_slides to false, or run snakemake itself"
        raise InputError("keeps its slides", file=configs[-1], remedy=remedy)
    return study


def _sources(study: Study, slides: Sequence[str]) -> list[str]:
    """Places of the files of some slides, below the cohort's folder; not those brought along."""
    paths = [study.used.loc[slide, "path"] for slide in slides]
    remotes = [study.coming.remote(str(path)) for path in paths]
    return [remote.path for remote in remotes if remote is not None]


def _pending(study: Study, configs: Sequence[Path], arguments: Sequence[str]) -> set[str]:
    """Manifests that the workflow would make, because they are missing or what they say is old."""
    wanted = manifests_of(study, batch_slides(study.slide_groups, size=_size(study)))
    command = _command(configs, wanted, [*arguments, "--summary"])
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = next((line for line in lines if line.startswith("error: ")), *lines[-1:])
        raise InputError(f"the run cannot be planned ({said})", remedy="mend what it says")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {row[0] for row in rows if row[-1] == "update pending"}


def _size(study: Study) -> int:
    """Slides that share a job."""
    return int(study.config["slides"]["slides_per_job"])


def _command(
    configs: Sequence[Path], targets: Sequence[str], arguments: Sequence[str]
) -> list[str]:
    """How snakemake is called, as the user's own profile and working directory say."""
    files = map(str, configs)
    return [str(find_snakemake()), *arguments, "--configfile", *files, "--", *targets]
