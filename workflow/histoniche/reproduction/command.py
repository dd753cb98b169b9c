"""`histoniche reproduce`: a study run again from its bundle, and its tables compared."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from histoniche.errors import InputError
from histoniche.files import write_text
from histoniche.report.listing import CHECKSUMS, METADATA
from histoniche.report.verify import inspect_bundle, opened_bundle
from histoniche.report.versions import software_versions
from histoniche.reproduction.comparison import Difference
from histoniche.reproduction.lineage import following, read_actions
from histoniche.reproduction.models import (
    check_reusable,
    put_models,
    training_files,
    trainings_of,
)
from histoniche.reproduction.rebuilding import MODELS, RESULTS, read_config, rebuild
from histoniche.reproduction.summary import summarise
from histoniche.reproduction.tables import (
    chosen_tables,
    compare_all,
    tables_of,
    write_differences,
)
from histoniche.reproduction.tolerances import STATED, read_tolerances
from histoniche.running import run_to_end, study_command

FINDINGS = "reproduction.tsv"

_MARK = "reproduction-of.txt"


@dataclass(frozen=True)
class Choices:
    """How a study is run again."""

    root: Path
    """Folder that holds the files that the study read."""
    into: Path
    """Folder of the new study: new, or that of a reproduction that was interrupted."""
    cores: int | None = None
    profile: Path | None = None
    only: Sequence[str] = ()
    """Tables to make and compare, by names or patterns; all if empty."""
    tolerance: Path = STATED
    reuse_models: bool = False


@dataclass(frozen=True)
class Reproduction:
    """What came of it."""

    differences: list[Difference]
    lines: list[str] = field(default_factory=list)
    """The summary."""

    @property
    def agrees(self) -> bool:
        """Whether every table that was compared is as it was, within its tolerance."""
        bad = ("differs", "missing")
        return not any(one.verdict in bad for one in self.differences)


def reproduce(bundle: Path, choices: Choices) -> Reproduction:
    """Verify a bundle, run its study anew, and compare the tables.

    Parameters
    ----------
    bundle
        The archive, or the folder it was unpacked to.
    choices
        Where its files are, where the new study goes, and how it runs.

    Returns
    -------
    Differences by column, also written to `reproduction.tsv`, and a summary.

    Raises
    ------
    InputError
        If the bundle is not as it was sealed or leads out of its folder, if files that the study
        read are missing, or if the run fails.
    """
    found = inspect_bundle(bundle)
    if found.problems:
        problem = f"not as it was sealed: {found.problems[0]}"
        raise InputError(problem, file=bundle, remedy="histoniche verify lists all that is wrong")
    tolerances = read_tolerances(choices.tolerance)
    with opened_bundle(bundle) as content:
        names = content.names()

        def read(name: str) -> bytes:
            with content.open(name) as stream:
                return stream.read()

        tables = chosen_tables(tables_of(names), choices.only)
        _prepare(read, names, choices)
        actions = read_actions(read(METADATA) if METADATA in names else b"")
        trainings = trainings_of(actions, names) if choices.reuse_models else []
        _run(choices, read, names, tables, trainings)
        fetched = following(actions, {"describe_cohort"})
        differences = compare_all(
            tables,
            read,
            choices.into / RESULTS,
            tolerances=tolerances,
            following=following(actions, tolerances.rules),
            not_made=lambda name: "files are not fetched again" if name in fetched else "",
        )
        versions = _versions(read("run.json") if "run.json" in names else b"{}")
    write_differences(differences, choices.into / FINDINGS)
    logs = choices.into / RESULTS / "logs"
    again = [rule for rule in trainings if (logs / rule).exists()]
    lines = summarise(differences, versions, reused=choices.reuse_models, again=again)
    return Reproduction(differences, [*lines, f"details: {choices.into / FINDINGS}"])


def _prepare(read: Callable[[str], bytes], names: Sequence[str], choices: Choices) -> None:
    """Write the new study's configuration, sheets, and finished models if it started from some."""
    settings = read_config(read("config/config.yaml"))
    if choices.reuse_models:
        check_reusable(settings)
    _claim(choices.into, _digest_of_study(read(CHECKSUMS)))
    texts = {name: read(name) for name in names if name.startswith("config/")}
    rebuild(settings, texts, root=choices.root, into=choices.into)
    brings = any("pretrained" in one for one in settings.values() if isinstance(one, Mapping))
    if brings:
        models = [name for name in names if name.startswith(f"{MODELS}/")]
        put_models(((name, read(name)) for name in models), choices.into)


def _digest_of_study(checksums: bytes) -> str:
    """Name what a bundle's study is made from by its content: its configuration and models."""
    lines = checksums.splitlines(keepends=True)
    parts = [line for line in lines if line[66:].startswith((b"config/", b"models/"))]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _claim(into: Path, study: str) -> None:
    """Take a folder for the new study: one that is empty, or where the same study began."""
    mark = into / _MARK
    own = mark.is_file() and mark.read_text(encoding="utf-8").strip() == study
    if into.exists() and not own and (not into.is_dir() or any(into.iterdir())):
        remedy = "name a new folder with --into"
        raise InputError("holds something else", file=into, remedy=remedy)
    write_text(f"{study}\n", mark)


def _run(
    choices: Choices,
    read: Callable[[str], bytes],
    names: Sequence[str],
    tables: Sequence[str],
    trainings: Sequence[str],
) -> None:
    """Have the workflow make the tables; where networks are reused, first what they learned from.

    A training would run again if what it reads were newer than its network. So all that stands
    before it is made first, then the networks are put in their places, then comes the rest.
    """
    targets = [f"{RESULTS}/{name}" for name in tables] if choices.only else []
    if trainings:
        _snakemake(choices, targets, "--omit-from", *trainings)
        files = ((place, read(name)) for name, place in training_files(names))
        put_models(files, choices.into / RESULTS)
    _snakemake(choices, targets)


def _snakemake(choices: Choices, targets: Sequence[str], *arguments: str) -> None:
    """Run the installed workflow on the new study."""
    cores = choices.cores if choices.cores or choices.profile else 1
    config = choices.into / "config" / "config.yaml"
    command = study_command(choices.into, config, profile=choices.profile, cores=cores)
    run_to_end([*command, *arguments, "--", *targets])


def _versions(run: bytes) -> Iterator[tuple[str, str, str]]:
    """Software of which the bundle has another version: its name, that version, the one here."""
    try:
        sealed: Any = json.loads(run)["versions"]
        pairs = [(str(name), str(version)) for name, version in sealed.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    here = software_versions()
    for name, version in sorted(pairs, key=lambda pair: (pair[0] != "histoniche", pair)):
        if here.get(name, "none") != version:
            yield name, version, here.get(name, "none")
