"""Commands on the bundle of a run."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the folder it was unpacked to.")],
) -> None:
    """Tell whether a bundle is as it was sealed."""
    from histoniche.report.verify import inspect_bundle

    found = inspect_bundle(bundle)
    if found.problems:
        for problem in found.problems:
            print(problem)
        raise typer.Exit(1)
    print(f"ok: {found.files} files intact")


def reproduce(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the folder it was unpacked to.")],
    *,
    root: Annotated[
        Path, typer.Option(help="Folder that holds the files the study read.")
    ] = Path(),
    into: Annotated[Path, typer.Option(help="Folder for the new run; new, or interrupted.")] = Path(
        "reproduction"
    ),
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores; 1 if no profile is named.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="Folder of Snakemake's profile, such as slurm.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A table, such as areas/patients, or a pattern; once for each."),
    ] = None,
    tolerance: Annotated[
        Path | None, typer.Option(help="Own tolerances, as resources/tolerances.yaml has them.")
    ] = None,
    reuse_models: Annotated[
        bool, typer.Option("--reuse-models", help="Take the bundle's networks; train none.")
    ] = False,
) -> None:
    """Run the study of a bundle again, and tell whether its tables come out the same."""
    from histoniche.reproduction.command import Choices
    from histoniche.reproduction.command import reproduce as run_again
    from histoniche.reproduction.tolerances import STATED

    choices = Choices(
        root=root,
        into=into,
        cores=cores,
        profile=profile,
        only=only or [],
        tolerance=tolerance or STATED,
        reuse_models=reuse_models,
    )
    found = run_again(bundle, choices)
    print("\n".join(found.lines))
    if not found.agrees:
        raise typer.Exit(1)
