"""Give every patient with a usable scan a risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.imaging.scoring import score_scans
    from histoniche.manifests import by_slide

    given, params = snakemake.input, snakemake.params
    score_scans(
        by_slide(given.scans, params.cohorts, "{slide}/sample.safetensors"),
        folders_of(params.folds, given.models),
        # Models that were brought along come without it.
        Path(given.split) if given.split else None,
        scores=Path(snakemake.output.scores),
        score=params.score,
        maps=params.maps,
        cohorts=params.cohorts,
        threads=snakemake.threads,
    )
