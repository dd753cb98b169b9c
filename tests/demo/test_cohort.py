import gzip
import hashlib
import json
import subprocess
import sys

import numpy as np
import openslide
import pandas as pd
import pytest
import scipy.stats
from lifelines import CoxPHFitter
from PIL import Image

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.cohort.sheets import read_patients, read_slides
from histoniche.demo.cohort import write_demo_cohort
from histoniche.demo.design import REGIONS
from histoniche.demo.shuffle import shuffle_labels

COVARIATES = {"age": "numeric", "sex": "categorical", "mgmt": "categorical"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Default cohort."""
    folder = tmp_path_factory.mktemp("demo") / "cohort"
    write_demo_cohort(folder)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Cohort of six patients."""
    folder = tmp_path_factory.mktemp("demo") / "small"
    write_demo_cohort(folder, patients=6, seed=5)
    return folder


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False, comment="#")


def patient_areas(folder):
    """Patients by regions: mean area of the sections."""
    table = read(folder / "truth" / "slide_areas.tsv")
    return table.pivot_table(index="patient", columns="region", values="area_mm2")[list(REGIONS)]


@pytest.mark.parametrize("name", ["cohort", "small"])
def test_sheets_pass_the_workflows_own_reader(name, request):
    folder = request.getfixturevalue(name)
    patients = read_patients(folder / "patients.tsv", covariates=COVARIATES, time_unit="days")
    slides = read_slides(folder / "slides.tsv", root=folder, patients=patients)
    assert set(slides["patient"]) == set(patients["patient"])
    assert slides["role"].isna().all()
    assert slides["mpp"].dropna().tolist() == [4.0]


def test_default_cohort_has_the_promised_slides(cohort):
    slides = read(cohort / "slides.tsv")
    truth = read(cohort / "truth" / "slide_areas.tsv")
    assert slides["patient"].nunique() == 40
    assert len(slides) == 45
    assert len(set(truth["slide"])) == 44
    assert len(truth) == 44 * 7
    annotated = slides[slides["annotation"] != ""]
    assert annotated["patient"].nunique() == 18
    assert set(annotated["slide"]) < set(truth["slide"])
    assert not slides["path"].str.contains(r"\\|^/").any()
    assert set(slides["section_type"]) == {"FFPE", "frozen"}
    assert slides["site"].nunique() == 3


@pytest.mark.parametrize("name", ["cohort", "small"])
def test_one_slide_is_broken_and_one_has_no_resolution(name, request):
    folder = request.getfixturevalue(name)
    slides = read(folder / "slides.tsv").set_index("slide")
    truth = read(folder / "truth" / "slide_areas.tsv")
    broken = set(slides.index) - set(truth["slide"])
    assert len(broken) == 1
    with_silence = []
    for name_of_slide, row in slides.iterrows():
        if name_of_slide in broken:
            with pytest.raises(openslide.OpenSlideError):
                openslide.OpenSlide(folder / row["path"])
            assert (slides["patient"] == row["patient"]).sum() == 2
            continue
        with openslide.OpenSlide(folder / row["path"]) as slide:
            assert slide.level_count == 3
            if slide.properties.get("openslide.mpp-x") is None:
                with_silence.append(name_of_slide)
            else:
                assert float(slide.properties["openslide.mpp-x"]) == 4.0
    assert with_silence == list(slides.index[slides["mpp"] != ""])
    assert len(with_silence) == 1


@pytest.mark.parametrize("name", ["cohort", "small"])
def test_masks_agree_with_the_true_areas(name, request):
    folder = request.getfixturevalue(name)
    truth = read(folder / "truth" / "slide_areas.tsv").set_index(["slide", "region"])
    slides = read(folder / "slides.tsv").set_index("slide")
    palette = read_palette(find_palette("ivygap"))
    for slide, row in slides[slides["annotation"] != ""].iterrows():
        mask = np.asarray(Image.open(folder / row["annotation"]))
        with openslide.OpenSlide(folder / row["path"]) as opened:
            assert opened.dimensions == (mask.shape[1], mask.shape[0])
        pixels = [int((mask == region.rgb).all(axis=-1).sum()) for region in palette]
        assert sum(pixels) == mask.shape[0] * mask.shape[1]
        own = truth.loc[slide].loc[[region.region for region in palette[1:]]]
        assert own["pixels"].tolist() == pixels[1:]
        assert own["area_mm2"].to_numpy() == pytest.approx(np.array(pixels[1:]) * 16e-6, abs=1e-5)
        assert own["tissue_share"].sum() == pytest.approx(1, abs=1e-4)


def test_areas_of_regions_are_nearly_independent(cohort):
    rho = patient_areas(cohort).corr("spearman").to_numpy() - np.eye(7)
    assert np.abs(rho).max() <= 0.3


def test_only_the_planted_region_shortens_survival(cohort):
    hazard = json.loads((cohort / "truth" / "hazard.json").read_text())
    sheet = read(cohort / "patients.tsv").set_index("patient")
    p, ratio = {}, {}
    for region, area in patient_areas(cohort).items():
        table = sheet[["time", "event"]].assign(area=(area - area.mean()) / area.std())
        row = CoxPHFitter().fit(table, "time", "event").summary.loc["area"]
        p[region], ratio[region] = row["p"], row["exp(coef)"]
    assert ratio[hazard["region"]] > 1
    assert p[hazard["region"]] < 0.01
    assert len(hazard["unplanted"]) == 6
    assert all(p[region] > 0.05 for region in hazard["unplanted"])
    assert 0.14 <= (sheet["event"] == 0).mean() <= 0.21


def test_at_least_nine_in_ten_planted_genes_are_found(cohort):
    counts = pd.read_csv(cohort / "counts.tsv.gz", sep="\t", index_col="gene")
    genes = read(cohort / "truth" / "genes.tsv").set_index("gene")["region"]
    assert list(counts.index) == list(genes.index)
    areas = patient_areas(cohort)
    shared = [patient for patient in counts if patient in areas.index]
    assert len(shared) == 38
    scaled = counts[shared] / counts[shared].sum()
    found = [
        scipy.stats.spearmanr(scaled.loc[gene], areas.loc[shared, region])
        for gene, region in genes.items()
        if region
    ]
    assert len(found) == 140
    assert np.mean([test.statistic > 0.1 and test.pvalue < 0.05 for test in found]) >= 0.9
    assert 0.55 < np.median([test.statistic for test in found]) < 0.75


def test_traits_stand_in_the_sheet_and_in_the_expression_and_follow_nothing_else(cohort):
    sheet = read(cohort / "patients.tsv").set_index("patient")
    truth = read(cohort / "truth" / "traits.tsv")
    assert set(truth["slide"]) == set(read(cohort / "truth" / "slide_areas.tsv")["slide"])
    assert (truth["egfr"] == truth["patient"].map(sheet["egfr"])).all()
    amplified = truth["egfr"] == "amplified"
    assert (truth.loc[amplified, "egfr_tissue"] > 0.25).all()
    assert (truth.loc[~amplified, "egfr_tissue"] == 0).all()
    assert pd.to_numeric(truth["hti"]).max() > 0.9
    own = truth.groupby("patient").first()
    for column, other in [("egfr", "coin"), ("egfr", "mgmt"), ("egfr", "sex"), ("coin", "mgmt")]:
        assert scipy.stats.fisher_exact(pd.crosstab(sheet[column], sheet[other])).pvalue > 0.1

    counts = pd.read_csv(cohort / "counts.tsv.gz", sep="\t", index_col="gene")
    gene = json.loads((cohort / "truth" / "traits.json").read_text())["gene"]
    areas = patient_areas(cohort)
    shared = [patient for patient in counts if patient in areas.index]
    scaled = counts.loc[gene, shared] / counts[shared].sum()
    assert scipy.stats.spearmanr(scaled, own.loc[shared, "level"]).statistic > 0.95
    for region in REGIONS:
        assert scipy.stats.spearmanr(scaled, areas.loc[shared, region]).pvalue > 0.2
    risk = sheet.loc[shared, ["time", "event"]].assign(gene=np.log(scaled))
    risk["amplified"] = (sheet.loc[shared, "egfr"] == "amplified").astype(float)
    assert (CoxPHFitter().fit(risk, "time", "event").summary["p"] > 0.1).all()


def test_gene_sets_and_their_truth_name_the_same_terms(cohort):
    lines = (cohort / "gene_sets.gmt").read_text().splitlines()
    terms = [line.split("\t")[0] for line in lines]
    assert terms == list(read(cohort / "truth" / "gene_sets.tsv")["term"])
    genes = set(read(cohort / "truth" / "genes.tsv")["gene"])
    assert all(set(line.split("\t")[2:]) <= genes for line in lines)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small, tmp_path):
    write_demo_cohort(tmp_path / "again", patients=6, seed=5)
    assert digests(tmp_path / "again") == digests(small)
    write_demo_cohort(tmp_path / "other", patients=6, seed=6)
    other, first = digests(tmp_path / "other"), digests(small)
    same = {name for name in other if other[name] == first.get(name)}
    # Directions of diffusion are the same wherever they are stored.
    same = {name for name in same if not name.endswith((".bval", ".bvec"))}
    assert same == {
        *("truth/gene_sets.tsv", "truth/cell_types.tsv", "truth/hazard.json"),
        *("truth/interactions.tsv", "truth/traits.json", "ligand_receptor.tsv"),
        "truth/scans.json",
    }


def test_a_small_cohort_still_has_three_annotated_patients(small):
    slides = read(small / "slides.tsv")
    assert slides["patient"].nunique() == 6
    assert slides.loc[slides["annotation"] != "", "patient"].nunique() == 3
    assert len(slides) == 8


def test_cells_of_the_first_patients_stand_with_their_labels_and_pairs(small):
    labels, truth = read(small / "cell_labels.tsv"), read(small / "truth" / "cells.tsv")
    assert list(labels) == ["cell", "patient", "cell_type"]
    assert labels.equals(truth[list(labels)])
    assert set(labels["patient"]) == {f"P{number:03d}" for number in range(1, 6)}
    counts = pd.read_csv(small / "cells.tsv.gz", sep="\t", index_col="gene")
    assert list(counts.columns) == list(labels["cell"])
    pairs, planted = read(small / "ligand_receptor.tsv"), read(small / "truth" / "interactions.tsv")
    assert pairs.equals(planted[["ligand", "receptor"]])
    assert set(pairs["ligand"]) | set(pairs["receptor"]) <= set(counts.index)


def test_too_few_patients_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="at least 4 patients"):
        write_demo_cohort(tmp_path / "cohort", patients=3)
    assert list(tmp_path.iterdir()) == []


def test_writing_a_cohort_imports_no_torch():
    code = "import sys, histoniche.demo.cohort; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shuffling_keeps_every_value_and_breaks_every_link(cohort, tmp_path):
    out = tmp_path / "shuffled"
    shuffle_labels(cohort, out, seed=3)
    before, after = digests(cohort), digests(out)
    assert set(before) == set(after)
    kept = {name for name in before if before[name] == after[name]}
    assert kept == {
        name
        for name in before
        if name.startswith(("slides", "masks", "gene_sets.gmt", "references.gmt", "markers.tsv"))
        or name.startswith("scans")
        or name in ("cells.tsv.gz", "ligand_receptor.tsv")
    } | {"truth/slide_areas.tsv"} | {
        f"external/{name}/expression.tsv.gz" for name in ("planted", "unplanted")
    }

    old, new = read(cohort / "patients.tsv"), read(out / "patients.tsv")
    assert (old[["patient", "age", "sex", "mgmt"]] == new[["patient", "age", "sex", "mgmt"]]).all(
        axis=None
    )
    for column in ("egfr", "coin"):
        assert sorted(old[column]) == sorted(new[column])
        assert 0.2 < (old[column] == new[column]).mean() < 0.8
    pairs = [sorted(zip(table["time"], table["event"], strict=True)) for table in (old, new)]
    assert pairs[0] == pairs[1]
    assert (old["time"] == new["time"]).mean() < 0.2

    old, new = (pd.read_csv(f / "counts.tsv.gz", sep="\t", index_col=0) for f in (cohort, out))
    assert list(old.columns) == list(new.columns)
    assert sorted(old.sum()) == sorted(new.sum())
    assert (old["P041"] == new["P041"]).all()
    assert (old.sum() == new.sum()).mean() < 0.2

    old, new = read(cohort / "mutations.maf"), read(out / "mutations.maf")
    changed = "Tumor_Sample_Barcode"
    assert old.drop(columns=changed).equals(new.drop(columns=changed))
    assert set(old[changed]) == set(new[changed])
    assert (old[changed] == new[changed]).mean() < 0.2

    old, new = read(cohort / "cell_labels.tsv"), read(out / "cell_labels.tsv")
    assert old[["cell", "patient"]].equals(new[["cell", "patient"]])
    sizes = [table.groupby(["patient", "cell_type"]).size() for table in (old, new)]
    assert sizes[0].equals(sizes[1])
    assert (old["cell_type"] == new["cell_type"]).mean() < 0.2
    assert set(read(out / "truth" / "interactions.tsv")["patients"]) == {""}


def test_shuffled_genes_and_survival_follow_no_region(cohort, tmp_path):
    out = tmp_path / "shuffled"
    shuffle_labels(cohort, out, seed=3)
    genes = read(cohort / "truth" / "genes.tsv").set_index("gene")["region"]
    counts = pd.read_csv(out / "counts.tsv.gz", sep="\t", index_col=0)
    areas = patient_areas(cohort)
    shared = [patient for patient in counts if patient in areas.index]
    scaled = counts[shared] / counts[shared].sum()
    rho = [
        scipy.stats.spearmanr(scaled.loc[gene], areas.loc[shared, region]).statistic
        for gene, region in genes.items()
        if region
    ]
    assert abs(np.mean(rho)) < 0.2
    traits = read(out / "truth" / "traits.tsv")
    assert set(traits["egfr"]) == set(traits["level"]) == {""}
    assert json.loads((out / "truth" / "traits.json").read_text())["gene"] is None
    assert set(read(out / "truth" / "genes.tsv")["region"]) == {""}
    assert json.loads((out / "truth" / "hazard.json").read_text())["region"] is None
    assert json.loads((out / "truth" / "scans.json").read_text())["map"] is None
    assert set(read(out / "truth" / "scans.tsv")["risk"]) == {""}


def test_compressed_counts_carry_no_time_stamp(small):
    assert (small / "counts.tsv.gz").read_bytes()[4:8] == b"\0\0\0\0"
    assert gzip.decompress((small / "counts.tsv.gz").read_bytes()).startswith(b"gene\tP0")
