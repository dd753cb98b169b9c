"""Commands on the results of a run."""

from pathlib import Path
from typing import Annotated

import typer


def view(
    results: Annotated[Path, typer.Argument(help="The results folder of a run.")],
    config: Annotated[
        Path | None,
        typer.Option(help="The run's configuration; by default the one in config/ that fits."),
    ] = None,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8765,
    token_file: Annotated[
        Path | None, typer.Option(help="File of the token that opens it; by default a new one.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Further name that it is called by, as by a proxy.")
    ] = None,
    uploads: Annotated[
        Path | None,
        typer.Option(help="Take slides that people send, run them by the run's models, keep here."),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="Folder of Snakemake's profile for uploads, such as slurm.")
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores for uploads; by default all.")
    ] = None,
    keep_days: Annotated[float, typer.Option(min=0.01, help="Days that uploads are kept.")] = 7,
    max_gb: Annotated[float, typer.Option(min=0.001, help="Most GB of one upload.")] = 8,
    max_uploads: Annotated[int, typer.Option(min=1, help="Most uploads that are kept.")] = 20,
) -> None:
    """Show the results of a run in a browser."""
    from histoniche.viewer.serve import serve
    from histoniche.viewer.uploads.desk import uploads_as_asked

    serve(
        results,
        config=config,
        host=host,
        port=port,
        token_file=token_file,
        names=name,
        uploads=uploads_as_asked(
            uploads,
            profile=profile,
            cores=cores,
            keep_days=keep_days,
            max_gb=max_gb,
            max_uploads=max_uploads,
        ),
    )


def predict(
    nomogram: Annotated[Path, typer.Argument(help="A nomogram of a run, such as one of CTmvp's.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Value of a covariate, such as age=61; once for each."),
    ] = None,
    extrapolate: Annotated[
        bool, typer.Option(help="Also read values beyond those of the patients it was made from.")
    ] = False,
) -> None:
    """Read a patient's survival off a nomogram; for research only."""
    import logging

    from histoniche.survival.nomogram_reading import predict as read_off

    logging.basicConfig(format="warning: %(message)s")
    for line in read_off(nomogram, settings or [], extrapolate=extrapolate):
        print(line)
