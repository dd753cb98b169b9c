"""Reduce a MAF file to who carries what, and choose the strata."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.mutations import prepare_mutations

    prepare_mutations(
        Path(snakemake.input.maf),
        Path(snakemake.input.patients),
        mutations=Path(snakemake.output.mutations),
        strata=Path(snakemake.output.strata),
        profiled=Path(snakemake.output.profiled),
        decisions=Path(snakemake.output.decisions),
        samples=Path(snakemake.output.samples),
        sequenced=Path(snakemake.input.sequenced) if snakemake.input.sequenced else None,
        **snakemake.params.settings,
    )
