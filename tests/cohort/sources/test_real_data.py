"""Real files of the services, through a local server and the same importers."""

import gzip

import pandas as pd
import pytest

from histoniche.cohort.sources.command import fetch_cohort, make_cohort, read_addresses
from histoniche.omics.maf import read_maf
from histoniche.omics.samples import Wanted
from histoniche.omics.star_counts import read_star_counts
from source_services import FakeGdc, FakeIvyGap, case


@pytest.fixture
def maf_by_patient(real_data):
    """The real MAF file as the GDC gives it, one gzipped file a sample; of forty patients."""
    with gzip.open(real_data / "tcga_gbm" / "somatic_mutations.maf.gz", "rt") as stream:
        header, *rows = stream.readlines()
    place = header.split("\t").index("Tumor_Sample_Barcode")
    samples: dict[str, list[str]] = {}
    for row in rows:
        samples.setdefault(row.split("\t")[place], []).append(row)
    return {
        name: gzip.compress(("#version gdc-1.0.0\n" + header + "".join(own)).encode())
        for name, own in sorted(samples.items())[:40]
    }


def test_real_counts_and_mutations_come_through(
    server, connection, real_data, maf_by_patient, tmp_path
):
    content = gzip.decompress(
        (real_data / "tcga_gbm" / "gdc_star_counts_one_sample.tsv.gz").read_bytes()
    )
    patients = sorted({name[:12] for name in maf_by_patient})
    gdc = FakeGdc(server, [case(name, dead=100) for name in patients])
    gdc.add_counts(f"{patients[0]}-01A", 1, content)
    for name, own in maf_by_patient.items():
        gdc.add_maf(name[:16], None, own)
    recipe = tmp_path / "own.yaml"
    recipe.write_text(
        "name: own\ntitle: Own\nsource: gdc\nprojects: [TCGA-GBM]\n"
        "expression: {}\nmutations: {sample_types: []}\n"
    )
    addresses = read_addresses([f"gdc={gdc.base}"])
    folder = tmp_path / "c"
    make_cohort(str(recipe), folder, addresses=addresses, connection=connection)
    assert "made mutations.maf.gz" in fetch_cohort(folder, addresses=addresses)
    counts = read_star_counts(
        folder / "expression", unit="tpm", wanted=Wanted(patients, "tcga", ["Primary Tumor"])
    )
    values = counts.values.set_axis(counts.genes.str.partition(".")[0], axis=0)
    assert values.loc["ENSG00000000003", patients[0]] == pytest.approx(167.9793)
    got = read_maf(folder / "mutations.maf.gz", silent=["Silent"]).table
    whole = read_maf(real_data / "tcga_gbm" / "somatic_mutations.maf.gz", silent=["Silent"]).table
    expected = whole[whole["sample"].isin(maf_by_patient)]
    columns = ["sample", "gene", "kind", "counts"]
    pd.testing.assert_frame_equal(
        got[columns].sort_values(columns, ignore_index=True),
        expected[columns].sort_values(columns, ignore_index=True),
    )


def test_the_real_table_of_sub_blocks_makes_a_cohort(server, connection, real_data, tmp_path):
    table = (real_data / "ivygap" / "sub_block_details.csv").read_bytes()
    blocks = pd.read_csv(real_data / "ivygap" / "sub_block_details.csv")
    names = dict(zip(blocks["data_set_id"], blocks["sub_block_name"], strict=True))
    atlas = FakeIvyGap(server, names, pictures=False)
    atlas.add_tables(table, b"tumor_name,structure_acronym\nW1-1-2,CT-reference-histology\n")
    addresses = read_addresses([f"ivygap={atlas.base}", f"ivygap-portal={atlas.portal}"])
    folder = tmp_path / "ivy"
    lines = make_cohort("ivygap", folder, addresses=addresses, connection=connection)
    assert "Tumours of the Ivy Glioblastoma Atlas: 41 patients" in lines
    assert "H&E sections: 2,778 slides of 41 patients" in lines
    assert "Sections used: 926 slides of 41 patients" in lines
    assert "  with survival time: 31 patients" in lines
    slides = pd.read_csv(folder / "slides.tsv", sep="\t")
    assert slides["slide"].is_unique and set(slides["mpp"]) == {8}
