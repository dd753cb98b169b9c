"""Prepare the expression of every gene."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.expression import prepare_expression

    prepare_expression(
        Path(snakemake.input.table),
        Path(snakemake.input.patients),
        expression=Path(snakemake.output.expression),
        genes=Path(snakemake.output.genes),
        decisions=Path(snakemake.output.decisions),
        samples=Path(snakemake.output.samples),
        libraries=Path(snakemake.output.libraries),
        sample_sheet=Path(snakemake.input.sample_sheet) if snakemake.input.sample_sheet else None,
        **snakemake.params.settings,
    )
