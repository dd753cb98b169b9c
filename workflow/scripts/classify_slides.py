"""Find the traits on the tiles of a batch of slides."""

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.application import classify_slides

    slides, networks = snakemake.params.slides, snakemake.params.networks
    written = iter(snakemake.output)
    # Networks first, then slides, as the outputs stand.
    outs = {network: folders_of(slides, [next(written) for _ in slides]) for network in networks}
    classify_slides(
        folders_of(slides, snakemake.input.tiles),
        {slide: {network: own[slide] for network, own in outs.items()} for slide in slides},
        folders_of(networks, snakemake.input.models),
        threads=snakemake.threads,
    )
