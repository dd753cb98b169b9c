"""Choose and draw the surest right and wrong tiles of one trait."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.review_tiles import write_gallery

    slides = snakemake.params.slides
    models = (path for path in snakemake.input.models if path.endswith("model.json"))
    write_gallery(
        folders_of(slides, snakemake.input.tiles),
        folders_of(slides, snakemake.input.votes),
        *(Path(snakemake.input[name]) for name in ("labels", "rounds", "choice")),
        models=folders_of(snakemake.params.rounds, models),
        table=Path(snakemake.output.table),
        picture=Path(snakemake.output.picture),
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        **snakemake.params.settings,
    )
