"""Commands around a study: what is ready, a made-up cohort, the page of all settings."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    config: Annotated[Path, typer.Option(help="The study's configuration.")] = Path(
        "config/config.yaml"
    ),
    profile: Annotated[
        Path | None, typer.Option(help="Folder of Snakemake's profile, such as slurm.")
    ] = None,
    slides: Annotated[int, typer.Option(min=1, help="How many slides to open.")] = 20,
    *,
    all_slides: Annotated[bool, typer.Option("--all-slides", help="Open every slide.")] = False,
) -> None:
    """Tell whether machine, cluster and cohort are ready for a run."""
    from histoniche.doctor.examination import examine

    levels = []
    for finding in examine(config, profile=profile, slides=None if all_slides else slides):
        levels.append(finding.level)
        print(finding.line, flush=True)
    if "wrong" in levels:
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the cohort goes.")],
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cohort.")] = 7,
) -> None:
    """Write the synthetic cohort with planted truth."""
    from histoniche.demo.cohort import write_demo_cohort

    write_demo_cohort(folder, patients=patients, seed=seed)
    print(f"ok: {patients} patients in {folder}")


def config_docs(
    path: Annotated[Path, typer.Argument(help="Page to write.")] = Path("config/README.md"),
    check: Annotated[bool, typer.Option("--check", help="Only tell if it is current.")] = False,
) -> None:
    """Write the page that explains every key of the configuration."""
    from histoniche.cohort.config_docs import write_config_docs

    write_config_docs(path, check=check)
    print(f"ok: {path}")
