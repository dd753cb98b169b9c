"""The description of a bundle as an RO-Crate."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from histoniche import __version__
from histoniche.report.contents import description, media_type
from histoniche.report.listing import by_entity, digest_of_store
from histoniche.report.steps import AGENT, CONTEXT, Steps, describe_steps

SNAKEFILE = "workflow/Snakefile"

_VERSION = "1.1"
_PROFILES = (
    ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
_OWN = ("config/", "workflow/", "envs/", "README.md", "checksums.sha256", "seal.sha256")
"""What no run made."""


def crate_metadata(
    sizes: Mapping[str, int | None],
    *,
    digests: Mapping[str, str],
    study: Mapping[str, Any],
    published: str,
    run: Mapping[str, Any],
    steps: Steps,
) -> bytes:
    """RO-Crate metadata of a bundle.

    Parameters
    ----------
    sizes
        Bytes of every file by its name inside the bundle; None for the two
        that are made from the metadata.
    digests
        SHA-256 of every file but those two, which are made last.
    study
        Title, description, authors, licence, and who ran it.
    published
        Date of the bundle, YYYY-MM-DD.
    run
        Seed, commit of the workflow and versions of the software.
    steps
        Jobs of the run, as far as they are known.

    Returns
    -------
    The content of `ro-crate-metadata.json`, the same for the same input.
    """
    crate = ROCrate(version=_VERSION)
    _describe_study(crate, study, published)
    workflow = _add_workflow(crate, run) if SNAKEFILE in sizes else None
    entities = {}
    for name in sorted(sizes):
        if name != SNAKEFILE and ".zarr/" not in name:
            entities[name] = _add_file(crate, name, sizes[name], digests.get(name))
    for entity, names in by_entity(sizes).items():
        if not entity.endswith("/"):
            continue
        store = entity.removesuffix("/")
        entities[store] = crate.add_dataset(
            dest_path=store,
            properties={
                "name": store,
                "description": description(store),
                "encodingFormat": media_type(store),
                "contentSize": str(sum(sizes[name] or 0 for name in names)),
                "sha256": digest_of_store(names, digests),
            },
        )
    if workflow is not None:
        workflow["sha256"] = digests[SNAKEFILE]
        _add_run(crate, workflow, entities, run, by=study.get("run_by", ""))
    crate.metadata.extra_terms.update(CONTEXT)
    content = crate.metadata.generate()
    if workflow is not None:
        describe_steps(steps, content["@graph"])
    content["@graph"] = sorted(content["@graph"], key=lambda entity: str(entity["@id"]))
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _describe_study(crate: Any, study: Mapping[str, Any], published: str) -> None:
    """Title, people, licence and date of the whole."""
    crate.name = study.get("title") or study.get("name") or "HistoNiche study"
    crate.description = study.get("description") or f"Results of the study {crate.name}"
    crate.datePublished = published
    people = [
        crate.add(Person(crate, f"#author-{number}", properties={"name": name}))
        for number, name in enumerate(study.get("authors", []), start=1)
    ]
    if people:
        crate.creator = people
        crate.root_dataset["author"] = people
    licence = study.get("license")
    if licence:
        crate.license = crate.add(
            ContextEntity(
                crate,
                f"https://spdx.org/licenses/{licence}",
                properties={"@type": "CreativeWork", "name": licence, "identifier": licence},
            )
        )
    else:
        crate.license = "No licence is stated."


def _add_workflow(crate: Any, run: Mapping[str, Any]) -> Any:
    """The workflow itself, which the crate is about, and what ran it."""
    software = run["versions"].get("snakemake")
    crate.add(
        ContextEntity(
            crate,
            "#snakemake",
            properties={
                "@type": "SoftwareApplication",
                "name": "Snakemake",
                "url": "https://snakemake.github.io",
                "softwareVersion": software or "unknown",
            },
        )
    )
    return crate.add_workflow(
        source=str(Path(SNAKEFILE)),
        dest_path=SNAKEFILE,
        main=True,
        lang="snakemake",
        lang_version=software,
        properties={
            "name": "HistoNiche",
            "description": description(SNAKEFILE),
            "version": __version__,
            "encodingFormat": media_type(SNAKEFILE),
            "identifier": f"commit {run['commit']}",
        },
    )


def _add_file(crate: Any, name: str, size: int | None, digest: str | None) -> Any:
    """One file with what it is."""
    properties: dict[str, Any] = {
        "name": PurePosixPath(name).name,
        "description": description(name),
        "encodingFormat": media_type(name),
    }
    if size is not None:
        properties["contentSize"] = str(size)
    if digest is not None:
        properties["sha256"] = digest
    if name == "README.md":
        properties["about"] = {"@id": "./"}
    return crate.add_file(source=name, dest_path=name, properties=properties)


def _add_run(
    crate: Any, workflow: Any, entities: Mapping[str, Any], run: Mapping[str, Any], *, by: str
) -> None:
    """The run that made the results from the configuration and the sheets.

    Who ran it is what the configuration says, and nobody where it says nothing: the account
    under which it ran is not asked for.
    """
    seed = ContextEntity(
        crate,
        "#seed",
        properties={"@type": "PropertyValue", "name": "seed", "value": str(run["seed"])},
    )
    inputs = [*_starting(entities, "config/"), crate.add(seed)]
    results = [entity for name, entity in entities.items() if not name.startswith(_OWN)]
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=inputs,
        result=results,
        properties={
            "@type": "CreateAction",
            "name": f"Run of HistoNiche {__version__}",
            "description": "The run that made the results from the configuration and the sheets",
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    if by:
        action["agent"] = crate.add(
            ContextEntity(crate, AGENT, properties={"@type": "Organization", "name": by})
        )
    crate.root_dataset["mentions"] = [action]
    crate.root_dataset["conformsTo"] = [
        crate.add(
            ContextEntity(
                crate,
                address,
                properties={"@type": "CreativeWork", "name": name, "version": version},
            )
        )
        for address, name, version in _PROFILES
    ]


def _starting(entities: Mapping[str, Any], start: str) -> Sequence[Any]:
    """Entities whose names start alike."""
    return [entity for name, entity in entities.items() if name.startswith(start)]
