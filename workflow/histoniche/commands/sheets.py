"""Commands that make sheets of patients from tables of others."""

from pathlib import Path
from typing import Annotated

import typer


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


def import_tumours(
    sub_blocks: Annotated[Path, typer.Argument(help="Ivy GAP's sub_block_details.csv.")],
    patients_tsv: Annotated[Path, typer.Argument(help="Sheet of patients to write.")],
) -> None:
    """Turn Ivy GAP's table of sub-blocks into a sheet of patients."""
    from histoniche.cohort.importers import import_ivygap

    number = import_ivygap(sub_blocks, patients_tsv)
    print(f"ok: {number} tumours in {patients_tsv}")


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
