"""Match the signatures with the markers of cell types."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.cell_types import match_cell_types

    markers = zip(snakemake.params.markers, snakemake.input.markers, strict=True)
    match_cell_types(
        Path(snakemake.input.signatures),
        Path(snakemake.input.correlation),
        {name: Path(path) for name, path in markers},
        cell_types=Path(snakemake.output.cell_types),
        ontology=Path(snakemake.input.ontology) if snakemake.input.ontology else None,
        **snakemake.params.settings,
    )
