"""The command `histoniche`: what people run by hand."""

import sys

import typer

from histoniche.commands import bundles, cohorts, results, sheets, studies
from histoniche.errors import InputError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Small tools around the HistoNiche workflow, which itself is run by snakemake.",
)

app.command()(bundles.verify)
app.command()(bundles.reproduce)
app.command()(studies.doctor)
app.command()(studies.demo)
app.command()(cohorts.cohort)
app.command("fetch")(cohorts.fetch_files)
app.command("fetch-cbioportal")(cohorts.fetch_portal_study)
app.command("stream")(cohorts.stream_slides)
app.command("import-cbioportal")(sheets.import_clinical)
app.command("import-ivygap")(sheets.import_tumours)
app.command("add-covariate")(sheets.add_label)
app.command()(results.view)
app.command()(results.predict)
app.command("config-docs")(studies.config_docs)


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
