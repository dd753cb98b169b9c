"""The figures: what they say, and that they do so whatever is missing."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from drawings import whole, words
from histoniche.cohort.palette import Region
from histoniche.multiplicity import false_discovery
from histoniche.report.figures.area_survival import draw_area_survival
from histoniche.report.figures.areas import draw_areas
from histoniche.report.figures.cox import draw_cox
from histoniche.report.figures.differential import draw_differential
from histoniche.report.figures.differing_genes import draw_differing_genes, leading_genes
from histoniche.report.figures.enrichment import draw_enrichment, leading_terms
from histoniche.report.figures.segmentation import draw_segmentation, draw_training
from histoniche.report.figures.signatures import draw_signatures
from histoniche.report.figures.survival import draw_kaplan_meier
from histoniche.tables import read_table

EVALUATION = ("metrics", "confusion", "agreement", "calibration")


def draw_accuracy(tables, palette, out):
    figures = [out / f"{name}.svg" for name in ("overlap", "confusion", "agreement", "calibration")]
    draw_segmentation(
        *tables,
        palette,
        overlap_figure=figures[0],
        confusion_figure=figures[1],
        agreement_figure=figures[2],
        calibration_figure=figures[3],
    )
    assert whole(*figures)
    return [words(figure) for figure in figures]


def test_areas_name_every_region_and_count_patients(drawn):
    text = words(drawn.path("areas"))
    assert "n = 40 patients" in text and "mm²" in text
    assert "Pseudopalisading cells around necrosis (CTpan)" in text
    table = pd.read_csv(drawn.path("areas").with_suffix(".tsv"), sep="\t")
    assert len(table) == 40 * 7


def test_composition_adds_up_to_one(drawn):
    table = pd.read_csv(drawn.path("composition").with_suffix(".tsv"), sep="\t")
    assert np.allclose(table.drop(columns="patient").sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("patients", [1, 300])
def test_areas_of_one_and_of_many_patients(saved, palette, tmp_path, patients):
    rows = [
        (f"P{k}", region.region, k % 7 * 1.5) for k in range(patients) for region in palette[1:]
    ]
    table = saved(pd.DataFrame(rows, columns=["patient", "region", "area"]))
    figures = tmp_path / "a.svg", tmp_path / "b.svg"
    draw_areas(table, palette, measure="pixels", by_region=figures[0], composition=figures[1])
    assert whole(*figures)


def test_accuracy_is_that_of_test_patients_not_of_validation_nor_training(drawn):
    overlap = words(drawn.path("overlap"))
    assert "n = 5 test patients" in overlap and "validation" not in overlap
    table = pd.read_csv(drawn.path("overlap").with_suffix(".tsv"), sep="\t")
    assert set(table["role"]) == {"test"}


def test_without_test_patients_the_title_says_validation(results, saved, palette, tmp_path):
    tables = [read_table(results.path(name)) for name in EVALUATION]
    paths = [saved(table[table["role"] == "validation"]) for table in tables]
    texts = draw_accuracy(paths, palette, tmp_path)
    assert all("validation patient" in text for text in texts)


def test_without_annotations_the_figures_say_so(saved, palette, tmp_path):
    nothing = saved(pd.DataFrame())
    texts = draw_accuracy([nothing] * 4, palette, tmp_path)
    assert all("nothing to measure" in text for text in texts)


def test_one_held_out_patient_has_no_interval_and_absent_regions_no_score(
    results, saved, palette, tmp_path
):
    tables = [read_table(results.path(name)) for name in EVALUATION]
    tables = [table[table["role"] == "test"].copy() for table in tables]
    tables[0][["iou_low", "iou_high"]] = np.nan
    tables[0].loc[tables[0]["region"] == "LE", "iou"] = np.nan
    tables[1].loc[tables[1]["truth"] == "LE", "pixels"] = 0
    tables[2][["pearson_r", "pearson_low", "pearson_high"]] = np.nan
    tables[3][["accuracy_low", "accuracy_high"]] = np.nan
    overlap = draw_accuracy(list(map(saved, tables)), palette, tmp_path)[0]
    assert "not annotated in these patients" in overlap


def test_confusion_rows_add_up_to_the_annotated_pixels(drawn, results):
    drawn_table = pd.read_csv(drawn.path("confusion").with_suffix(".tsv"), sep="\t")
    pixels = read_table(results.path("confusion"))
    expected = pixels[pixels["role"] == "test"].groupby("truth")["pixels"].sum()
    assert drawn_table.set_index("truth").sum(axis=1).to_dict() == expected.to_dict()


def test_calibration_is_that_of_test_patients_with_its_error(drawn):
    text = words(drawn.path("calibration"))
    assert "n = 5 test patients" in text and "error 0.03 (0.02 to 0.06)" in text


def test_learning_curves_have_a_row_a_head_and_a_line_a_fold(saved, tmp_path):
    table = saved(
        pd.DataFrame(
            {
                "epoch": [1, 2],
                "train_loss": [1.0, 0.5],
                "validation_loss": [0.8, 0.9],
                "validation_dice": [0.2, 0.3],
            }
        )
    )
    histories = [(head, fold, table) for head in ("CT", "LE") for fold in range(3)]
    draw_training(histories, tmp_path / "t.svg")
    text = words(tmp_path / "t.svg")
    assert "Network of CT" in text and "Network of LE" in text and "Numbers: folds" in text
    drawn = pd.read_csv(tmp_path / "t.tsv", sep="\t")
    assert drawn.groupby(["head", "fold"]).size().tolist() == [2] * 6


def test_signature_sizes_stand_beside_chance(drawn):
    text = words(drawn.path("signature_sizes"))
    assert "200 genes tested" in text and "5.0 by chance" in text


def test_no_signature_at_all_is_said(results, saved, palette, tmp_path):
    members = saved(read_table(results.path("signatures")).head(0))
    figures = tmp_path / "g.svg", tmp_path / "s.svg"
    draw_signatures(
        results.path("correlation"),
        members,
        results.path("sizes"),
        palette,
        top=8,
        genes_figure=figures[0],
        sizes_figure=figures[1],
    )
    assert whole(*figures) and "No gene meets the rule" in words(figures[0])


def test_leading_terms_show_every_signature_before_any_second_term():
    rows = [
        (s, "lib", f"{s}{k}", 3, 1e-4 * (k + 1), 1e-3 * (k + 1)) for s in "AB" for k in range(40)
    ]
    table = pd.DataFrame(rows, columns=["signature", "library", "term", "overlap", "p", "q"])
    chosen = leading_terms(table, top=30).drop_duplicates("row").sort_values("row")
    assert list(chosen["term"][:4]) == ["A0", "B0", "A1", "B1"]
    assert len(chosen) == 36


def test_enrichment_without_a_hit_says_so_and_draws_no_filled_dot(
    results, saved, palette, tmp_path
):
    table = read_table(results.path("enrichment")).assign(q=0.9)
    out = tmp_path / "e.svg"
    draw_enrichment(saved(table), palette, top=5, enrichment_figure=out)
    assert "No gene set reaches q &lt; 0.05" in words(out)
    draw_enrichment(saved(table.head(0)), palette, top=5, enrichment_figure=out)
    assert "No signature shares a gene" in words(out)


def test_kaplan_meier_panels_hold_sizes_deaths_p_and_q(drawn):
    text = words(drawn.path("kaplan_meier"))
    assert "low: n 20" in text and "deaths" in text and "p 4.0e-4, q 0.0028" in text
    assert "HR 2.10 (1.20 to 3.70)" in text
    assert "95 % confidence" in text and "median of the area (mm²)" in text


def test_kaplan_meier_of_a_region_with_one_group_only(results, saved, palette, tmp_path):
    curves, groups = read_table(results.path("curves")), read_table(results.path("groups"))
    curves = curves[(curves["region"] == "LE") & (curves["group"] == "low")]
    groups = groups[groups["region"] == "LE"].assign(p=np.nan, q=np.nan, hazard_ratio=np.nan)
    out = tmp_path / "k.svg"
    draw_kaplan_meier(
        saved(curves),
        saved(groups),
        palette,
        measure="pixels",
        confidence=0.9,
        kaplan_meier=out,
    )
    assert "p –, q –" in words(out)
    assert "HR –" not in words(out)


def test_forest_holds_alone_and_adjusted_with_numbers(drawn):
    text = words(drawn.path("cox"))
    assert "2.41 (1.65 to 3.52)" in text and "3.1e-5" in text and "2.2e-4" in text
    assert "per SD (10.2 mm²)" in text and "adjusted" in text
    assert "female (reference)" in text and "22 / 18" in text and "17 / 13" in text
    assert "39 / 31" in text


def test_forest_survives_models_without_estimate_and_endless_intervals(
    results, saved, palette, tmp_path
):
    cox = read_table(results.path("cox"))
    cox.loc[cox["term"] == "LE", ["hazard_ratio", "low", "high", "p"]] = np.nan
    cox.loc[cox["term"] == "IT", ["hazard_ratio", "low", "high"]] = [500.0, 1e-6, 1e9]
    alone_missing = (cox["term"] == "CT") & (cox["model"] == "univariable")
    out = tmp_path / "c.svg"
    draw_cox(
        saved(cox[~alone_missing]), palette, measure="area_mm2", confidence=0.95, cox_figure=out
    )
    text = words(out)
    assert "Leading edge" not in text
    assert "Cellular tumour (CT), per SD (10.2 mm²), adjusted" in text
    draw_cox(
        saved(cox.assign(hazard_ratio=np.nan)),
        palette,
        measure="area_mm2",
        confidence=0.95,
        cox_figure=out,
    )
    assert "No Cox model" in words(out)


def test_area_survival_tells_raw_stars_from_corrected_frames(drawn):
    text = words(drawn.path("area_survival"))
    assert "All patients" in text and "n 14, 4 censored" in text and "−0.52***" in text
    assert "Without outliers" in text and "n 37, 4 censored" in text
    assert "n 12, 4 censored" not in text
    assert "not corrected" in text and "Frame: q &lt; 0.05" in text


def test_area_survival_with_gaps_and_without_rows(results, saved, palette, tmp_path):
    table = read_table(results.path("area_correlation"))
    numbers = [c for c in table.columns if c.startswith(("pearson", "spearman"))]
    table.loc[table["stratum"] == "EGFR mutated", numbers] = np.nan
    out = tmp_path / "a.svg"
    draw_area_survival(saved(table), palette, area_survival=out)
    assert "EGFR mutated" in words(out)
    draw_area_survival(saved(table.head(0)), palette, area_survival=out)
    assert "No patient has both" in words(out)


def test_palettes_of_two_regions_and_white_ones_are_drawn(saved, tmp_path):
    palette = [Region(0, "background", "Background", "#FFFFFF"), Region(1, "W", "White", "#FFFFFE")]
    table = saved(pd.DataFrame({"patient": ["A", "B"], "region": "W", "area": [0.0, 0.0]}))
    figures = tmp_path / "a.svg", tmp_path / "b.svg"
    draw_areas(table, palette, measure="area_mm2", by_region=figures[0], composition=figures[1])
    assert whole(*figures) and "No region has an area greater than 0" in words(figures[1])


@pytest.fixture
def compared(saved):
    """Two comparisons of 300 genes: a few that differ much, and none."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(2, 300))
    z[0, :12] = np.linspace(5, 8, 12) * np.where(np.arange(12) < 9, 1, -1)
    tables = []
    for name, one in zip(("idh", "mvp"), z, strict=True):
        p = 2 * scipy.stats.norm.sf(np.abs(one))
        genes = [f"GENE{number}" for number in range(300)]
        table = pd.DataFrame({"gene": genes, "log2_fold_change": one / 4, "p": p})
        tables.append(table.assign(comparison=name, n_case=9, n_reference=21, q=false_discovery(p)))
    labels = [("idh", "case", "IDH1 mutated"), ("idh", "reference", "IDH1 wild type")]
    labels += [("mvp", "case", "CTmvp high"), ("mvp", "reference", "CTmvp low")]
    groups = pd.DataFrame(labels, columns=["comparison", "group", "label"])
    return saved(pd.concat(tables)), saved(groups)


RULE = {"q": 0.05, "log2_fold_change": 0.0}


def test_volcano_names_the_surest_genes_and_counts_both_directions(compared, tmp_path):
    out = tmp_path / "volcano.svg"
    draw_differential(*compared, volcano=out, labelled=4, rule=RULE)
    text = words(out)
    assert whole(out)
    assert "IDH1 mutated (n 9)" in text and "against IDH1 wild type (n 21)" in text
    assert "9 more, 3 less, of 300 genes" in text and "0 more, 0 less, of 300 genes" in text
    assert {f"GENE{number}" for number in (5, 6, 7, 8, 9, 10, 11)} == set(
        re.findall(r"GENE\d+", text)
    )
    first = out.read_bytes()
    draw_differential(*compared, volcano=out, labelled=4, rule=RULE)
    assert out.read_bytes() == first


def test_volcano_colours_and_counts_by_the_rule(compared, tmp_path):
    out = tmp_path / "volcano.svg"
    rule = {"q": 0.05, "log2_fold_change": 1.6}
    draw_differential(*compared, volcano=out, labelled=9, rule=rule)
    # Changes, z / 4, are 1.25 to 1.80 in those up, and 1.86 to 2 in those down.
    assert "3 more, 3 less, of 300 genes" in words(out)
    assert "change beyond ±1.6, q after" in " ".join(words(out).split())


def test_volcano_says_by_which_test_its_p_are(compared, tmp_path):
    out, seen = tmp_path / "volcano.svg", {}
    for unit in ("counts", "tpm", "log2"):
        draw_differential(*compared, volcano=out, labelled=4, rule=RULE, unit=unit)
        seen[unit] = " ".join(words(out).split())
    assert "p: DESeq2's negative binomial model of the counts, Wald test" in seen["counts"]
    assert "with independent filtering" in seen["counts"]
    assert "limma's moderated t, with a trend of the variance, on log2(value + 1)" in seen["tpm"]
    assert "on the logarithms" in seen["log2"]
    assert "filtering" not in seen["tpm"] + seen["log2"]


def test_volcano_without_a_comparison_says_so(compared, saved, tmp_path):
    empty = saved(read_table(compared[0]).head(0))
    draw_differential(empty, compared[1], volcano=tmp_path / "v.svg", labelled=4, rule=RULE)
    assert "No comparison was made" in words(tmp_path / "v.svg")


@pytest.fixture
def single_genes(saved):
    """Ten genes in forty patients, three of which differ between two groups; tests and ages."""
    rng = np.random.default_rng(8)
    case = np.repeat([True, False], 20)
    values = rng.normal(6, 1, (10, 40)) + np.outer([3, -2, 2, *[0] * 7], case)
    names = [f"P{number:02d}" for number in range(40)]
    expression = pd.DataFrame(values, columns=names).assign(gene=[f"G{k}" for k in range(10)])
    change = np.array([3, -2, 2, *[0.1] * 7])
    tests = pd.DataFrame(
        {
            "comparison": "risk", "gene": expression["gene"], "log2_fold_change": change,
            "log2_fold_change_low": change - 0.5, "log2_fold_change_high": change + 0.5,
            "p": [1e-9, 1e-6, 1e-5, *[0.4] * 7], "q": [1e-8, 5e-6, 3e-5, *[0.5] * 7],
        }
    )  # fmt: skip
    groups = pd.DataFrame(
        {
            "comparison": "risk", "patient": [*names, "unknown"],
            "group": np.where([*case, True], "case", "reference"),
            "label": np.where([*case, True], "dls high", "dls low"),
        }
    )  # fmt: skip
    patients = pd.DataFrame({"patient": [*names, "unknown"], "age": 50.0})
    patients.loc[patients["patient"] == "P39", "age"] = np.nan
    return saved(expression), saved(tests), saved(groups), saved(patients)


def test_single_genes_are_drawn_with_their_patients_and_tests(single_genes, tmp_path):
    out = tmp_path / "differing_genes.svg"
    settings = {"rule": RULE, "top": 8, "unit": "log2", "figure": out, "covariates": []}
    draw_differing_genes(*single_genes, **settings)
    assert whole(out)
    text = " ".join(words(out).split())
    assert "dls high against dls low" in text and text.count("n 20") == 6
    assert set(re.findall(r"\bG\d\b", text)) == {"G0", "G1", "G2"}
    assert "log2 FC 3.00 (2.50 to 3.50)" in text and "p 1.0e-6, q 5.0e-6" in text
    drawn = pd.read_csv(out.with_suffix(".tsv"), sep="\t")
    assert len(drawn) == 3 * 40 and "unknown" not in set(drawn["patient"])
    values = read_table(single_genes[0]).set_index("gene")
    for row in drawn.sample(20, random_state=0).itertuples():
        assert row.log2_expression == pytest.approx(values.loc[row.gene, row.patient], rel=1e-5)
    first = out.read_bytes()
    draw_differing_genes(*single_genes, **settings)
    assert out.read_bytes() == first


def test_single_genes_are_those_of_the_patients_who_were_tested(single_genes, tmp_path):
    out = tmp_path / "differing_genes.svg"
    settings = {"rule": RULE, "top": 8, "unit": "log2", "figure": out}
    draw_differing_genes(*single_genes, covariates=["age"], **settings)
    text = " ".join(words(out).split())
    assert text.count("n 20") == text.count("n 19") == 3
    assert "n: patients who were tested" in text
    assert "P39" not in set(pd.read_csv(out.with_suffix(".tsv"), sep="\t")["patient"])


def test_no_gene_that_differs_is_a_notice(single_genes, tmp_path):
    out = tmp_path / "differing_genes.svg"
    rule = {"q": 1e-12, "log2_fold_change": 0.0}
    settings = {"top": 8, "unit": "log2", "figure": out, "covariates": []}
    draw_differing_genes(*single_genes, rule=rule, **settings)
    assert "No gene differs between groups" in words(out)


def test_many_comparisons_get_fewer_genes_each():
    named = [f"C{number}" for number in range(5)]
    tests = pd.DataFrame(
        {
            "comparison": np.repeat(named, 30), "gene": [str(number) for number in range(150)],
            "p": np.tile(np.linspace(1e-6, 1e-3, 30), 5), "q": 0.01, "log2_fold_change": 1.0,
        }
    )  # fmt: skip
    chosen = leading_genes(tests.sample(frac=1, random_state=0).sort_values("comparison"), RULE, 8)
    assert chosen.groupby("comparison").size().to_dict() == dict.fromkeys(
        map("C{}".format, range(5)), 4
    )
    assert (chosen["p"] < 2e-4).all()
    assert len(leading_genes(tests[tests["comparison"] == "C0"], RULE, 8)) == 8
