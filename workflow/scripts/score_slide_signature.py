"""Give every patient with a slide a risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.manifests import by_slide
    from histoniche.traits.slide_signature import score_slide_signature

    given, params = snakemake.input, snakemake.params
    score_slide_signature(
        by_slide(given.features, params.owners, "{slide}.zarr"),
        folders_of(params.folds, given.models),
        # Models that were brought along come without it.
        Path(given.split) if given.split else None,
        scores=Path(snakemake.output.scores),
        score=params.score,
        owners=params.owners,
        cohorts=params.cohorts,
        threads=snakemake.threads,
    )
