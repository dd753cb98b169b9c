"""Prepare a batch of scans."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.preparation import prepare_scans
    from histoniche.imaging.prepared import Prepared
    from histoniche.manifests import by_slide, each_slide

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    outs = by_slide([manifest], params.scans, "{slide}")
    prepare_scans(
        [{"patient": patient, **scan["files"]} for patient, scan in params.scans.items()],
        outs,
        patients=each_slide(
            manifest,
            {
                patient: [scan["content"], params.settings, params.code]
                for patient, scan in params.scans.items()
            },
            lambda patient: Prepared.beneath(outs[patient]),
        ),
        **params.settings,
    )
