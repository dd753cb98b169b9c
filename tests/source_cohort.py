"""Made-up cohorts of the public sources, large enough for the study of any recipe."""

from collections.abc import Sequence

from source_server import Server
from source_services import FakeCBioPortal, FakeGdc, FakeIvyGap, case

SUB_BLOCKS = (
    "tumor_name,molecular_subtype,surgery,mgmt_methylation,survival_days,egfr_amplification,"
    "initial_kps,age_in_years,sub_block_name,study_name,data_set_id"
)
DIAGNOSES = ("Astrocytoma, anaplastic", "Oligodendroglioma, NOS", "Glioblastoma")
SUBTYPES = ("CL", "PN", "ME", "NE")
STUDIES = tuple(f"{name}_tcga_pan_can_atlas_2018" for name in ("gbm", "lgg", "brca", "luad"))


def serve_cohort(
    server: Server, project: str, *, patients: int = 24, slides: Sequence[bytes] | None = None
) -> list[str]:
    """Serve patients with slides, counts, mutations and labels; returns --service arguments.

    `slides` are those of the first patients; if None, each has one that cannot be opened.
    """
    names = [f"TCGA-02-{k:04d}" for k in range(1, patients + 1)]
    cases = []
    for k, name in enumerate(names):
        one = case(name, dead=100 + 10 * k) if k % 3 else case(name, alive=500 + k)
        one["diagnoses"][0]["primary_diagnosis"] = DIAGNOSES[k % 3]
        one["demographic"]["gender"] = ("female", "male")[k % 2]
        one["project"] = {"project_id": project}
        cases.append(one)
    gdc = FakeGdc(server, cases)
    contents = [b"slide of " + name.encode() for name in names] if slides is None else slides
    for name, content in zip(names, contents, strict=False):
        gdc.add_slide(f"{name}-01Z-00-DX1", content)
    for k, name in enumerate(names):
        gdc.add_counts(f"{name}-01A", k)
        gdc.add_maf(f"{name}-01A", "TP53" if k % 2 else None)
    for hit in gdc.files:
        hit["cases"][0]["project"] = {"project_id": project}
    portal = FakeCBioPortal(server)
    stated = {
        name: {"OS_MONTHS": f"{(100 + 10 * k) / 30.4375:.2f}", "OS_STATUS": "1:DECEASED"}
        for k, name in enumerate(names)
    }
    samples = [f"{name}-01" for name in names]
    for study in STUDIES:
        gistic = {sample: 2 * (k % 2) for k, sample in enumerate(samples)}
        portal.add_study(study, patients=stated, gistic=gistic)
    labels = {
        sample: {
            "TRANSCRIPTOME_SUBTYPE": SUBTYPES[k % 4],
            "MGMT_PROMOTER_STATUS": ("Methylated", "Unmethylated")[k % 2],
            "GRADE": ("G2", "G3", "G4")[k % 3],
        }
        for k, sample in enumerate(samples)
    }
    portal.add_study("lgggbm_tcga_pub", samples=labels)
    return [f"gdc={gdc.base}", f"cbioportal={portal.base}"]


def serve_atlas(server: Server, *, tumours: int = 12) -> list[str]:
    """Serve tumours with a sub-block, its sections and annotation, and RNA-seq of CT."""
    names = [f"W{k}-1-1" for k in range(1, tumours + 1)]
    atlas = FakeIvyGap(server, {k: f"{name}-A.1.01" for k, name in enumerate(names, start=1)})
    rows = [
        f"{name},{('Neural', 'Classical')[k % 2]},primary,{('Yes', 'No')[k % 2]},{100 + 10 * k},"
        f"{('No', 'Yes')[k % 3 == 0]},90,{40 + k} yrs,{name}-A.1.01,Anatomic,{k}"
        for k, name in enumerate(names, start=1)
    ]
    samples = [f"{name},CT-reference-histology" for name in names]
    atlas.add_tables(
        "\n".join([SUB_BLOCKS, *rows]).encode() + b"\n",
        "\n".join(["tumor_name,structure_acronym", *samples]).encode() + b"\n",
    )
    wells = {str(k): (name, "CT-reference-histology") for k, name in enumerate(names)}
    atlas.add_expression(wells)
    return [f"ivygap={atlas.base}", f"ivygap-portal={atlas.portal}"]
