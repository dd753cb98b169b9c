"""Prepare a batch of scans."""

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.preparation import prepare_scans
    from histoniche.imaging.prepared import Prepared
    from histoniche.manifests import Batch

    scans, params = snakemake.params.scans, snakemake.params
    batch = Batch(snakemake.output.manifest, scans)
    outs = batch.outs("{slide}")
    prepare_scans(
        [{"patient": patient, **scan["files"]} for patient, scan in scans.items()],
        outs,
        patients=batch.left(
            lambda patient: Prepared.beneath(outs[patient]),
            {patient: scan["content"] for patient, scan in scans.items()},
            shared=[params.settings, params.code],
        ),
        **params.settings,
    )
