"""Label the slides by one trait."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.labels import label_slides

    label_slides(
        snakemake.params.slides,
        Path(snakemake.output.labels),
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        patients=Path(snakemake.input.patients),
        expression=next(map(Path, snakemake.input.expression), None),
        rounds=Path(snakemake.input.rounds),
    )
