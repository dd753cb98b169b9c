"""Label the slides by one trait, and see that every round can learn from them."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.tables import read_table
    from histoniche.traits.labels import label_slides
    from histoniche.traits.rounds import audit_labels

    out = Path(snakemake.output.labels)
    label_slides(
        snakemake.params.slides,
        out,
        trait=snakemake.wildcards.trait,
        settings=snakemake.params.settings,
        patients=next(map(Path, snakemake.input.patients), None),
        expression=next(map(Path, snakemake.input.expression), None),
    )
    rounds = read_table(Path(snakemake.input.rounds))
    audit_labels(rounds, read_table(out), classes=snakemake.params.classes)
