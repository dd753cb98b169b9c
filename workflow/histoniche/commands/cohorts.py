"""Commands that bring public cohorts."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def cohort(
    name: Annotated[str, typer.Argument(help="A recipe, such as tcga-gbm, or a file.")],
    into: Annotated[Path, typer.Option(help="Folder of the cohort.")],
    without: Annotated[
        list[str] | None, typer.Option(help="A label of the recipe to leave out; once for each.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Address of a service, NAME=ADDRESS; once for each.")
    ] = None,
    *,
    frozen: Annotated[bool, typer.Option("--frozen", help="Take frozen sections too.")] = False,
    keep_slides: Annotated[
        bool,
        typer.Option(help="Keep slides once they are tiled, or have them pass through the disk."),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
) -> None:
    """Write config and sheets of a public cohort, and the list of files that it needs."""
    from histoniche.cohort.sources.command import connect, make_cohort, read_addresses
    from histoniche.report.figures.cohort_flow import draw_cohort_flow

    _show_progress()
    addresses = read_addresses(service or [])
    connection = connect(None, addresses)
    for line in make_cohort(
        name,
        into,
        addresses=addresses,
        connection=connection,
        frozen=frozen,
        without=without or [],
        keep_slides=keep_slides,
        dry_run=dry_run,
    ):
        print(line)
    if not dry_run:
        draw_cohort_flow(into / "flow.tsv", figure=into / "flow" / "cohort_flow.svg")


def fetch_files(
    folder: Annotated[Path, typer.Argument(help="Folder that `histoniche cohort` wrote.")],
    *,
    token: Annotated[
        Path | None, typer.Option(help="File with the GDC's token, for controlled files.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Files at once.")] = 4,
    megabytes_per_s: Annotated[
        float | None, typer.Option(min=0.01, help="Most MB a second, of all files together.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this, such as slides or expression.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Address of a service, NAME=ADDRESS; once for each.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell if all that came is as it came.")
    ] = False,
) -> None:
    """Fetch the files of a cohort; started again, it goes on where it stopped."""
    from histoniche.cohort.sources.command import fetch_cohort, read_addresses, verify_cohort

    _show_progress()
    if check:
        found = verify_cohort(folder)
        print("\n".join(found.problems) or f"ok: {found.words}")
        raise typer.Exit(1 if found.problems else 0)
    try:
        lines = fetch_cohort(
            folder,
            addresses=read_addresses(service or []),
            token=token,
            parallel=parallel,
            megabytes_per_s=megabytes_per_s,
            only=only or [],
        )
    except KeyboardInterrupt:
        print("stopped; start it again, and it goes on from here", file=sys.stderr, flush=True)
        # At once: a transfer that stands still would otherwise be waited for.
        os._exit(130)
    print("\n".join(lines))


def fetch_portal_study(
    study: Annotated[str, typer.Argument(help="A study's id, such as lgggbm_tcga_pub.")],
    into: Annotated[Path, typer.Option(help="Folder for its files.")],
    expression: Annotated[
        str | None, typer.Option(help="Profile of expression by its ending: rna_seq_v2_mrna.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Address of the service, cbioportal=ADDRESS.")
    ] = None,
) -> None:
    """Write a study of cBioPortal as the folder that its archive would unpack to."""
    from histoniche.cohort.sources.cbioportal import CBioPortal, fetch_study
    from histoniche.cohort.sources.command import connect, read_addresses

    _show_progress()
    addresses = read_addresses(service or [])
    portal = CBioPortal(connect(None, addresses), addresses["cbioportal"])
    for path in fetch_study(portal, study, into, expression=expression):
        print(f"ok: {path}")


def stream_slides(
    snakemake: Annotated[
        list[str] | None, typer.Argument(help="After --, arguments for snakemake: --cores all.")
    ] = None,
    config: Annotated[
        list[Path] | None, typer.Option(help="Configuration; several as snakemake takes them.")
    ] = None,
    slides_at_once: Annotated[
        int, typer.Option(min=1, help="About how many slides to work on; twice as many are here.")
    ] = 16,
) -> None:
    """Fetch, inspect, tile and remove slides some at a time, where sources.keep_slides is false."""
    from histoniche.cohort.sources.streaming import stream

    _show_progress()
    configs = config or [Path("config/config.yaml")]
    number = stream(configs, snakemake or [], slides_at_once=slides_at_once)
    print(f"ok: {number} slides inspected and tiled")


def _show_progress() -> None:
    """Let log lines of the package appear as plain lines."""
    import logging

    logging.basicConfig(format="%(message)s", level=logging.INFO)
