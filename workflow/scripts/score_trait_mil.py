"""Score the slides by one trait's attention, round by round and together."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of, sha256
    from histoniche.manifests import by_slide, digest_of, made_from, write_manifest
    from histoniche.traits.mil_scoring import score_trait_mil

    patients, trait = snakemake.params.patients, snakemake.wildcards.trait
    features, manifest = snakemake.input.features, Path(snakemake.output.attention)
    # Models that were brought along come without them.
    labels, rounds = snakemake.input.labels, snakemake.input.rounds
    score_trait_mil(
        by_slide(features, patients, "{slide}.zarr"),
        folders_of(snakemake.params.rounds, snakemake.input.models),
        *(Path(path) if path else None for path in (labels, rounds)),
        brought=next(map(Path, snakemake.input.brought), None),
        scores=Path(snakemake.output.scores),
        choice=Path(snakemake.output.choice),
        outs=by_slide([manifest], patients, "{slide}.zarr"),
        patients=patients,
        trait=trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        bag=snakemake.params.bag,
        threads=snakemake.threads,
    )
    described = made_from(features)
    said = [sha256(Path(path)) for path in (*snakemake.input.models, snakemake.output.choice)]
    write_manifest(
        {slide: digest_of([described[slide], said, snakemake.params.code]) for slide in patients},
        manifest,
    )
