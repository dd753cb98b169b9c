"""The bundle: everything a study may publish, described and sealed in one zip archive."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from histoniche.cohort.trait_settings import columns_read
from histoniche.report.archive import digest_of, write_archive
from histoniche.report.crate import METADATA, crate_metadata
from histoniche.report.redaction import (
    cleaned_settings,
    cleaned_sheet,
    named_place,
    private_places,
)
from histoniche.report.verify import CHECKSUMS, SEAL_FILE, unsafe
from histoniche.report.versions import software_versions

_NOT_CONTENT = {".snakemake_timestamp", ".DS_Store"}
_README = """# {title}

{description}

- `summary.html`: open it in a browser; it needs nothing else.
- `figures/`: every figure as SVG and PNG, with the table it was drawn from.
- Tables are Parquet for machines, with a TSV twin for people.
- `config/`: the configuration and the sheets, without the places of files.
- `run.json`: versions of the software and the seed.
- `ro-crate-metadata.json`: what each file is (RO-Crate 1.1).

To check that nothing was changed: `histoniche verify FILE.crate.zip`, or in the unpacked folder
`sha256sum --check seal.sha256 checksums.sha256`. The seal shows damage and edits; it is not a
signature and does not tell who made the bundle.
"""


def seal_bundle(
    files: Sequence[Path],
    out: Path,
    *,
    root: Path,
    models: Mapping[str, Path],
    sheets: Mapping[str, Path],
    workflow: Sequence[Path],
    settings: Mapping[str, Any],
) -> None:
    """Put results, models, configuration and workflow into a sealed RO-Crate.

    Parameters
    ----------
    files
        Results under `root`, by which they are named. Naming a store's
        `zarr.json` brings the whole store.
    out
        The zip archive. The same input gives the same bytes.
    root
        The results folder.
    models
        Descriptions and weights of the networks, by their names in a folder of models.
    sheets
        The study's own sheets by name; columns that hold paths, or that nothing reads, are
        dropped.
    workflow
        The Snakefile, then its parts.
    settings
        The configuration; paths are reduced to the files' own names.

    Raises
    ------
    RuntimeError
        If a file names a folder of this machine, or its name could lead out of a folder.
    """
    members = dict(_collected(files, root))
    members |= {f"models/{name}": path for name, path in models.items()}
    newest = max((path.stat().st_mtime for path in members.values()), default=0.0)
    members |= {f"workflow/{path.relative_to(workflow[0].parent)}": path for path in workflow}
    content: dict[str, Path | bytes] = {**members, **_written(sheets, settings)}
    _refuse_private(content, private_places(settings))
    content |= _sealing(content, settings.get("study", {}), _published(newest))
    write_archive(content, out)
    logging.info("sealed %d files in %s", len(content), out)


def _collected(files: Sequence[Path], root: Path) -> Iterator[tuple[str, Path]]:
    """Files by their names under the results folder, stores and folders with all they hold."""
    for path in files:
        folder = path.parent if path.name == "zarr.json" else path
        if folder.is_dir():
            held = (file for file in folder.rglob("*") if file.is_file())
            for file in held:
                if file.name not in _NOT_CONTENT:
                    yield file.relative_to(root).as_posix(), file
        else:
            yield path.relative_to(root).as_posix(), path


def _written(sheets: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Files that the bundle makes itself."""
    study = settings.get("study", {})
    run = {"seed": settings.get("seed"), "versions": software_versions()}
    texts = {
        "config/config.yaml": cleaned_settings(settings),
        "run.json": json.dumps(run, indent=2, sort_keys=True) + "\n",
        "README.md": _README.format(
            title=study.get("title", "HistoNiche study"), description=study.get("description", "")
        ),
        **{
            f"config/{name}.tsv": cleaned_sheet(path, columns_read(settings, name))
            for name, path in sheets.items()
        },
    }
    return {name: text.encode("utf-8") for name, text in texts.items()}


def _refuse_private(content: Mapping[str, Path | bytes], places: list[str]) -> None:
    """Raise if a file names a folder of this machine, or has a name that is not safe."""
    for name, part in content.items():
        if unsafe(name):
            raise RuntimeError(f"the name {name!r} is not safe in a bundle")
        place = named_place(part, places)
        if place is not None:
            raise RuntimeError(f"not sealed: {name} names the folder {place} of this machine")


def _sealing(
    content: Mapping[str, Path | bytes], study: Mapping[str, Any], published: str
) -> dict[str, bytes]:
    """Metadata, checksums of everything with it, and the seal of the checksums."""
    sizes: dict[str, int | None] = {name: _size(part) for name, part in content.items()}
    sizes |= {CHECKSUMS: None, SEAL_FILE: None}
    snakemake = software_versions().get("snakemake", "")
    metadata = crate_metadata(sizes, study=study, published=published, software=snakemake)
    digests = {name: digest_of(part) for name, part in content.items()}
    digests[METADATA] = digest_of(metadata)
    checksums = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode("utf-8")
    seal = f"{digest_of(checksums)}  {CHECKSUMS}\n".encode()
    return {METADATA: metadata, CHECKSUMS: checksums, SEAL_FILE: seal}


def _size(part: Path | bytes) -> int:
    """Bytes of one file."""
    return len(part) if isinstance(part, bytes) else part.stat().st_size


def _published(newest: float) -> str:
    """Date of the bundle: SOURCE_DATE_EPOCH if it is set, else the newest result's."""
    moment = float(os.environ.get("SOURCE_DATE_EPOCH") or newest)
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
