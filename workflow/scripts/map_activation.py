"""Map what drew the networks to their answer in a batch of scans."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of, sha256
    from histoniche.imaging.activation import map_activation
    from histoniche.manifests import Batch, made_from

    params, scans = snakemake.params, [snakemake.input.scans]
    batch, models = Batch(snakemake.output.manifest, params.patients), snakemake.input.models
    outs = batch.outs("{slide}/activation.safetensors")
    map_activation(
        batch.of(scans, "{slide}/sample.safetensors"),
        folders_of(params.folds, models),
        outs,
        maps=params.maps,
        patients=batch.left(
            lambda patient: [outs[patient]],
            made_from(scans),
            shared=[[sha256(Path(path)) for path in models], params.maps, params.code],
        ),
        threads=snakemake.threads,
    )
