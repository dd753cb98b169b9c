"""The bundle: everything a study may publish, described and sealed in one zip archive."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from histoniche.report.archive import digest_of, write_archive
from histoniche.report.crate import crate_metadata
from histoniche.report.inputs import INPUTS, cleaned_sheet, content_of, inputs_of, inputs_table
from histoniche.report.known_steps import known_steps
from histoniche.report.listing import CHECKSUMS, METADATA, SEAL_FILE, checksum_line, entity_of
from histoniche.report.provenance import Provenance
from histoniche.report.redaction import cleaned_settings, named_place, private_places
from histoniche.report.steps import Steps
from histoniche.report.verify import unsafe
from histoniche.report.versions import commit_of, software_versions

_NOT_CONTENT = {".snakemake_timestamp", ".DS_Store"}
_README = """# {title}

{description}

- `summary.html`: open it in a browser; it needs nothing else.
- `figures/`: every figure as SVG and PNG, with the table it was drawn from.
- Tables are Parquet for machines, with a TSV twin for people.
- `config/`: the configuration and the sheets, files by names that lead nowhere; `inputs.tsv`
  lists what the study read, with sizes and contents.
- `envs/`: locks of the environments; `run.json`: versions of the software, commit and seed.
- `ro-crate-metadata.json`: what each file is and which job made it, from what, in what time
  (RO-Crate 1.1, Provenance Run Crate 0.5). The SHA-256 of a store is that of its lines in
  `checksums.sha256`.

To check that nothing was changed: `histoniche verify FILE.crate.zip`, or in the unpacked folder
`sha256sum --check seal.sha256 checksums.sha256`. The seal shows damage and edits; it is not a
signature and does not tell who made the bundle.

To run it again and compare: `histoniche reproduce FILE.crate.zip --root FOLDER_OF_THE_INPUTS`.
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
    locks: Sequence[Path] = (),
    provenance: Provenance | None = None,
    environments: Mapping[str, str] | None = None,
) -> None:
    """Put results, models, configuration and workflow into a sealed RO-Crate.

    Parameters
    ----------
    files
        Results under `root`, by which they are named. Naming a store's
        `zarr.json` brings the whole store.
    out
        The zip archive. The same input, records of the jobs included, gives the same bytes.
    root
        The results folder.
    models
        Descriptions and weights of the networks, by their names in a folder of models.
    sheets
        The study's own sheets by name; columns that nothing reads are dropped, and files stand
        there by names that lead nowhere.
    workflow
        The Snakefile, then its parts.
    settings
        The configuration; paths are reduced to the files' own names.
    locks
        Locks of the environments.
    provenance
        The jobs that made the results, as far as they are known.
    environments
        Environment of each rule.

    Raises
    ------
    RuntimeError
        If a file names a folder of this machine, or its name could lead out of a folder.
    """
    members = dict(_collected(files, root))
    members |= {f"models/{name}": path for name, path in models.items()}
    newest = max((path.stat().st_mtime for path in members.values()), default=0.0)
    paths = {str(path): entity_of(name) for name, path in members.items()}
    paths |= {str(path): f"config/{name}.tsv" for name, path in sheets.items()}
    members |= {f"workflow/{path.relative_to(workflow[0].parent)}": path for path in workflow}
    members |= {f"envs/{path.name}": path for path in locks}
    inputs = inputs_of(settings, sheets)
    contents = {one.path: content_of(one.path) for one in inputs if one.path.exists()}
    run = _run(settings, workflow[0].parent)
    content: dict[str, Path | bytes] = {
        **members,
        **_written(sheets, settings, run),
        INPUTS: inputs_table(inputs, contents).encode(),
    }
    _refuse_private(content, private_places(settings))
    steps = known_steps(
        provenance or Provenance(),
        paths,
        inputs={str(one.path): one for one in inputs},
        contents={str(path): told for path, told in contents.items()},
        environments=environments or {},
        root=root,
        settings=settings,
    )
    content |= _sealing(content, settings.get("study", {}), _published(newest), run, steps)
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


def _run(settings: Mapping[str, Any], checkout: Path) -> dict[str, Any]:
    """What the whole run shares."""
    return {
        "seed": settings.get("seed"),
        "commit": commit_of(checkout),
        "versions": software_versions(),
    }


def _written(
    sheets: Mapping[str, Path], settings: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, bytes]:
    """Files that the bundle makes itself."""
    study = settings.get("study", {})
    texts = {
        "config/config.yaml": cleaned_settings(settings),
        "run.json": json.dumps(run, indent=2, sort_keys=True) + "\n",
        "README.md": _README.format(
            title=study.get("title", "HistoNiche study"), description=study.get("description", "")
        ),
        **{
            f"config/{name}.tsv": cleaned_sheet(path, name, settings)
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
    content: Mapping[str, Path | bytes],
    study: Mapping[str, Any],
    published: str,
    run: Mapping[str, Any],
    steps: Steps,
) -> dict[str, bytes]:
    """Metadata, checksums of everything with it, and the seal of the checksums."""
    sizes: dict[str, int | None] = {name: _size(part) for name, part in content.items()}
    sizes |= {CHECKSUMS: None, SEAL_FILE: None}
    digests = {name: digest_of(part) for name, part in content.items()}
    metadata = crate_metadata(
        sizes, digests=digests, study=study, published=published, run=run, steps=steps
    )
    digests[METADATA] = digest_of(metadata)
    checksums = "".join(checksum_line(name, digests[name]) for name in sorted(digests)).encode()
    seal = f"{digest_of(checksums)}  {CHECKSUMS}\n".encode()
    return {METADATA: metadata, CHECKSUMS: checksums, SEAL_FILE: seal}


def _size(part: Path | bytes) -> int:
    """Bytes of one file."""
    return len(part) if isinstance(part, bytes) else part.stat().st_size


def _published(newest: float) -> str:
    """Date of the bundle: SOURCE_DATE_EPOCH if it is set, else the newest result's."""
    moment = float(os.environ.get("SOURCE_DATE_EPOCH") or newest)
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
