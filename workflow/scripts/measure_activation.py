"""Measure each map where activation is highest."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.activation_measures import measure_activation
    from histoniche.manifests import by_slide

    given, params = snakemake.input, snakemake.params
    measure_activation(
        by_slide(given.scans, params.patients, "{slide}/sample.safetensors"),
        by_slide(given.activation, params.patients, "{slide}/activation.safetensors"),
        maps=params.maps,
        share=params.share,
        values=Path(snakemake.output.activation),
        zones=Path(snakemake.output.zones),
    )
