"""Compare the signatures with the reference signatures."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.overlap import overlap_signatures

    references = zip(snakemake.params.references, snakemake.input.references, strict=True)
    overlap_signatures(
        Path(snakemake.input.signatures),
        Path(snakemake.input.correlation),
        {name: Path(path) for name, path in references},
        overlap=Path(snakemake.output.overlap),
        intersections=Path(snakemake.output.intersections),
    )
