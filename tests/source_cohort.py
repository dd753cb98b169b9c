"""A made-up cohort of the GDC and cBioPortal, large enough for the study of any recipe."""

from source_server import Server
from source_services import FakeCBioPortal, FakeGdc, case

DIAGNOSES = ("Astrocytoma, anaplastic", "Oligodendroglioma, NOS", "Glioblastoma")
SUBTYPES = ("CL", "PN", "ME", "NE")
STUDIES = tuple(f"{name}_tcga_pan_can_atlas_2018" for name in ("gbm", "lgg", "brca", "luad"))


def serve_cohort(server: Server, project: str, *, patients: int = 24) -> list[str]:
    """Serve patients with slides, counts, mutations and labels; returns --service arguments."""
    names = [f"TCGA-02-{k:04d}" for k in range(1, patients + 1)]
    cases = []
    for k, name in enumerate(names):
        one = case(name, dead=100 + 10 * k) if k % 3 else case(name, alive=500 + k)
        one["diagnoses"][0]["primary_diagnosis"] = DIAGNOSES[k % 3]
        one["demographic"]["gender"] = ("female", "male")[k % 2]
        one["project"] = {"project_id": project}
        cases.append(one)
    gdc = FakeGdc(server, cases)
    for k, name in enumerate(names):
        gdc.add_slide(f"{name}-01Z-00-DX1", b"slide of " + name.encode())
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
