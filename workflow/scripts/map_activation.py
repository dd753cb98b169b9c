"""Map what drew the networks to their answer in a batch of scans."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of, sha256
    from histoniche.imaging.activation import map_activation
    from histoniche.manifests import by_slide, each_slide, made_from

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    patients, scans = params.patients, [snakemake.input.scans]
    shared = [[sha256(Path(path)) for path in snakemake.input.models], params.maps, params.code]
    prepared = made_from(scans)
    outs = by_slide([manifest], patients, "{slide}/activation.safetensors")
    map_activation(
        by_slide(scans, patients, "{slide}/sample.safetensors"),
        folders_of(params.folds, snakemake.input.models),
        outs,
        maps=params.maps,
        patients=each_slide(
            manifest,
            {patient: [prepared[patient], *shared] for patient in patients},
            lambda patient: [outs[patient]],
        ),
        threads=snakemake.threads,
    )
