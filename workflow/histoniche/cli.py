"""The command `histoniche`: what people run by hand."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from histoniche.errors import InputError

# Each command imports what it needs itself, so that `verify` starts at once and anywhere.
# ruff: noqa: PLC0415

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Small tools around the HistoNiche workflow, which itself is run by snakemake.",
)


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the cohort goes.")],
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cohort.")] = 7,
) -> None:
    """Write the synthetic cohort with planted truth."""
    from histoniche.demo.cohort import write_demo_cohort

    write_demo_cohort(folder, patients=patients, seed=seed)
    print(f"ok: {patients} patients in {folder}")


@app.command()
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


@app.command("fetch")
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


@app.command("fetch-cbioportal")
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


@app.command("stream")
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


@app.command("import-cbioportal")
def import_clinical(
    clinical: Annotated[Path, typer.Argument(help="data_clinical_patient.txt of a study.")],
    patients_tsv: Annotated[Path, typer.Argument(help="Sheet of patients to write.")],
    time_from: Annotated[
        Path | None, typer.Option(help="Table that holds the survival times instead.")
    ] = None,
    time_column: Annotated[str | None, typer.Option(help="Its column with the time.")] = None,
    patient_column: Annotated[str | None, typer.Option(help="Its column with the patient.")] = None,
) -> None:
    """Turn a clinical file of cBioPortal into a sheet of patients."""
    from histoniche.cohort.importers import import_cbioportal

    import_cbioportal(
        clinical,
        patients_tsv,
        time_from=time_from,
        time_column=time_column,
        patient_column=patient_column,
    )
    print(f"ok: {patients_tsv}")


@app.command("import-ivygap")
def import_tumours(
    sub_blocks: Annotated[Path, typer.Argument(help="Ivy GAP's sub_block_details.csv.")],
    patients_tsv: Annotated[Path, typer.Argument(help="Sheet of patients to write.")],
) -> None:
    """Turn Ivy GAP's table of sub-blocks into a sheet of patients."""
    from histoniche.cohort.importers import import_ivygap

    number = import_ivygap(sub_blocks, patients_tsv)
    print(f"ok: {number} tumours in {patients_tsv}")


@app.command("add-covariate")
def add_label(
    patients_tsv: Annotated[Path, typer.Argument(help="Sheet of patients, written anew.")],
    table: Annotated[Path, typer.Argument(help="CSV or TSV that has the label.")],
    column: Annotated[str, typer.Option(help="Its column with the label.")],
    name: Annotated[str, typer.Option(help="What the column is called in the sheet.")],
    patient: Annotated[str, typer.Option(help="Its column with the patient.")] = "patient",
    *,
    barcode: Annotated[bool, typer.Option("--barcode", help="Patients are TCGA barcodes.")] = False,
) -> None:
    """Add a label of another table, such as a subtype, to a sheet of patients."""
    from histoniche.cohort.labels import add_covariate

    number = add_covariate(
        patients_tsv,
        table,
        patient=patient,
        column=column,
        name=name,
        barcode="tcga" if barcode else "whole",
    )
    print(f"ok: {name} of {number} patients in {patients_tsv}")


@app.command()
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


@app.command()
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


@app.command("config-docs")
def config_docs(
    path: Annotated[Path, typer.Argument(help="Page to write.")] = Path("config/README.md"),
    check: Annotated[bool, typer.Option("--check", help="Only tell if it is current.")] = False,
) -> None:
    """Write the page that explains every key of the configuration."""
    from histoniche.cohort.config_docs import write_config_docs

    write_config_docs(path, check=check)
    print(f"ok: {path}")


def _show_progress() -> None:
    """Let log lines of the package appear as plain lines."""
    import logging

    logging.basicConfig(format="%(message)s", level=logging.INFO)


def main() -> None:
    """Run the command; a user's mistake becomes one line and exit status 1."""
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # What a disk or a network refuses is no fault of the program, and names its file.
        reason = error.strerror or type(error).__name__
        problem = InputError(reason, file=error.filename, remedy="mend that, or name another place")
        sys.exit(f"error: {problem}")
