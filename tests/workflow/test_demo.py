"""The planted truth of the demo cohort is found, from the slides to the bundle."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import anndata
import networkx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from histoniche.survival.nomogram_reading import predict
from histoniche.tables import read_table
from page_numbers import check_numbers
from page_places import finished_run


def truth(demo, name):
    return pd.read_csv(demo.folder / "cohort" / "truth" / f"{name}.tsv", sep="\t").fillna("")


def table(demo, name):
    return read_table(demo.results / f"{name}.parquet")


def test_regions_of_held_out_patients_overlap_the_truth(demo):
    metrics = table(demo, "segmentation/metrics").set_index(["role", "region"])
    assert metrics.loc[("test", "mean"), "iou"] >= 0.8
    assert metrics.loc[("test", "mean"), "patients"] == 4
    assert metrics.loc[("test", "mean"), "iou_low"] < metrics.loc[("test", "mean"), "iou"]


def test_areas_follow_the_truth_in_every_region(demo):
    both = table(demo, "areas/slides").merge(truth(demo, "slide_areas"), on=["slide", "region"])
    assert both["slide"].nunique() == 44
    for region, rows in both.groupby("region"):
        r = stats.pearsonr(rows["area_mm2_x"], rows["area_mm2_y"]).statistic
        assert r >= 0.95, (region, r)


def test_planted_genes_are_in_their_regions_signature_and_others_are_not(demo):
    signatures = table(demo, "omics/signatures")
    planted = truth(demo, "genes").set_index("gene")["region"]
    null = set(planted.index[planted == ""])
    for region in sorted(set(planted) - {""}):
        found = set(signatures.loc[signatures["signature"] == region, "gene"])
        own = set(planted.index[planted == region])
        assert len(found & own) / len(own) >= 0.9, region
        # The rule is one-sided at p < 0.05, so 2.5 % pass by chance, with binomial noise.
        assert len(found & null) / len(null) <= 0.05, region


def test_planted_genes_stand_against_all_permutations_and_hardly_another_does(demo):
    correlation = table(demo, "omics/correlation").set_index(["region", "gene"])
    planted = truth(demo, "genes").set_index("gene")["region"]
    sure = correlation[correlation["p_family"] < 0.05].reset_index()
    own = sure["gene"].map(planted) == sure["region"]
    assert own.sum() >= 0.45 * (planted != "").sum()
    # Seven families at 5 %, and genes of regions whose areas go along with another's.
    assert (sure["gene"].map(planted) == "").sum() <= 3


def test_genes_of_a_region_differ_between_much_and_little_of_it_and_none_by_mgmt(demo):
    differential = table(demo, "omics/differential")
    planted = truth(demo, "genes").set_index("gene")["region"]
    sure = differential[differential["q"] < 0.05].groupby("comparison")
    mvp = sure.get_group("mvp")
    assert (mvp["gene"].map(planted) == "CTmvp").sum() >= 15
    assert (mvp.loc[mvp["gene"].map(planted) == "CTmvp", "log2_fold_change"] > 0).all()
    # One in twenty of what passes may be false; among twenty that is three by some luck.
    assert (mvp["gene"].map(planted) == "").sum() <= 4
    null = differential[differential["gene"].map(planted) == ""]
    assert (null["p"] < 0.05).mean() < 0.08
    assert "mgmt" in set(differential["comparison"])
    assert sure.size().get("mgmt", 0) <= 5


def test_the_planted_programme_leads_the_genes_up_where_there_is_much_of_its_region(demo):
    terms = table(demo, "omics/differential_enrichment")
    up = terms[(terms["comparison"] == "mvp") & (terms["direction"] == "up")]
    best = up.sort_values("p").iloc[0]
    assert best["term"] == "Demo: CTmvp programme"
    assert best["q"] < 1e-6 and best["overlap"] > 5 * best["expected"]
    others = terms[(terms["q"] < 0.05) & (terms["term"] != "Demo: CTmvp programme")]
    assert len(others) <= 2


def test_the_planted_set_goes_with_its_region_and_tells_survival_where_that_is_planted(demo):
    found = table(demo, "omics/pathway_correlation").set_index("term")
    planted = found.loc["Demo: CTmvp programme"]
    assert planted["r_low"] > 0.5 and planted["q"] < 1e-4 and planted["n"] == 38
    groups = table(demo, "survival/pathway_groups").drop_duplicates("cohort").set_index("cohort")
    assert groups.loc["planted", "hazard_low"] > 1 and groups.loc["planted", "q"] < 0.05
    low, high = (groups.loc["unplanted", f"hazard_{end}"] for end in ("low", "high"))
    assert low < 1 < high
    assert groups["cut"].nunique() == 1 and groups.loc["planted", "n_all"] == 90
    genes = table(demo, "omics/pathway_genes")["gene"]
    assert (genes.map(truth(demo, "genes").set_index("gene")["region"]) == "CTmvp").sum() >= 15


def test_the_margin_that_shows_the_planted_risk_is_found_on_held_out_scans(demo):
    quality = table(demo, "imaging/quality").set_index("patient")
    bad = quality[quality["status"] == "bad"]
    assert len(quality) == 38 and bad["reason"].tolist() == ["the tumour mask is empty"]
    performance = table(demo, "imaging/performance").set_index(["cohort", "fold"])
    whole = table(demo, "imaging/performance").query("fold.isna()").iloc[0]
    assert whole["patients"] == 37 and whole["seen"] == 0 and len(performance) == 6
    assert whole["concordance"] >= 0.75 and whole["low"] > 0.5 and whole["p"] < 0.01
    # Of who is at risk, the margin is what speaks for it.
    scores = table(demo, "imaging/scores").set_index("patient")["dls"]
    zones = table(demo, "imaging/activation_zones").pivot(
        index="patient", columns="zone", values="activation"
    )
    high = zones[scores.reindex(zones.index) > scores.quantile(2 / 3)]
    assert len(high) >= 12
    assert (high.idxmax(axis=1) == "margin").mean() > 0.5
    assert high["margin"].mean() > max(high["core"].mean(), high["outside"].mean())


def test_the_planted_set_stands_behind_the_risk_of_the_scans(own_copy):
    by_risk = {"risk": {"score": "dls", "cut": "survival"}}
    own_copy.run(
        *("--quiet", "rules", "--until", "carry_pathways"),
        comparisons={**own_copy.config["comparisons"], **by_risk},
        pathways={**own_copy.config["pathways"], "comparison": "risk", "score": "dls"},
    )
    found = table(own_copy, "omics/pathway_correlation").set_index("term")
    planted = found.loc["Demo: CTmvp programme"]
    assert planted["n"] == 35 and planted["enrichment_q"] < 0.05
    assert planted["r_low"] > 0 and planted["q"] < 0.01
    assert (found.drop("Demo: CTmvp programme")["q"] > 0.01).all()
    groups = table(own_copy, "survival/pathway_groups").query("origin == 'external'")
    groups = groups.drop_duplicates("cohort").set_index("cohort")
    assert groups["cut"].nunique() == 1
    assert groups.loc["planted", "hazard_low"] > 1 and groups.loc["planted", "q"] < 0.05
    assert groups.loc["unplanted", "hazard_low"] < 1 < groups.loc["unplanted", "hazard_high"]


def test_the_study_opens_in_the_tools_for_annotated_matrices(demo):
    study = anndata.read_h5ad(demo.results / "omics" / "study.h5ad")
    assert study.shape[0] == 38 and "area_CTmvp" in study.obs
    planted = truth(demo, "genes").set_index("gene")["region"]
    best = study.varm["rho"]["CTmvp"].idxmax()
    assert planted[best] == "CTmvp" and best in study.uns["signatures"]["CTmvp"]


def test_the_planted_term_comes_first_in_every_region(demo):
    enrichment = table(demo, "omics/enrichment")
    planted = truth(demo, "gene_sets").set_index("term")["region"]
    for term, region in planted[planted != ""].items():
        rows = enrichment[enrichment["signature"] == region].sort_values("p")
        assert rows["term"].iloc[0] == term
        assert rows["q"].iloc[0] < 0.05


def test_the_planted_set_leads_every_regions_ranking(demo):
    gsea = table(demo, "omics/gsea")
    planted = truth(demo, "gene_sets").set_index("term")["region"]
    for term, region in planted[planted != ""].items():
        first = gsea[gsea["region"] == region].sort_values("nes").iloc[-1]
        assert first["term"] == term and first["q"] < 0.05


def test_the_planted_cell_type_matches_its_region_and_types_of_chance_do_not(demo):
    types = table(demo, "omics/cell_types")
    planted = truth(demo, "cell_types").set_index("cell_type")["region"]
    for cell_type, region in planted[planted != ""].items():
        best = types[types["signature"] == region].sort_values("match_score").iloc[-1]
        assert best["cell_type"] == cell_type and best["q"] < 0.05
        assert best["ontology_id"].startswith("CL:")
    chance = types[types["cell_type"].map(planted) == ""]
    assert (chance["q"] < 0.05).mean() <= 0.05


def test_reference_signatures_overlap_their_own_region_alone(demo):
    overlap = table(demo, "omics/overlap")
    sure = overlap[overlap["q"] < 0.05]
    regions = sure["signature"].str.removesuffix("pos").str.removesuffix("neg")
    assert (sure["term"] == "Reference " + regions).all()
    assert set(regions) == set(truth(demo, "genes")["region"]) - {""}


def test_the_network_of_terms_opens_and_holds_the_planted_sets(demo):
    network = networkx.read_graphml(demo.results / "omics" / "term_network.graphml")
    terms = {data["term"] for _, data in network.nodes(data=True)}
    planted = truth(demo, "gene_sets").set_index("term")["region"]
    assert set(planted.index[planted != ""]) <= terms


def test_the_planted_sets_activity_goes_with_its_region_first(demo):
    correlation = table(demo, "omics/activity_correlation")
    planted = truth(demo, "gene_sets").set_index("term")["region"]
    for term, region in planted[planted != ""].items():
        rows = correlation[correlation["score"] == region].sort_values("rho")
        assert rows["term"].iloc[-1] == term
        assert rows["q"].iloc[-1] < 0.05 and rows["n"].iloc[-1] == 38


def test_the_planted_sets_activity_differs_between_much_and_little_and_none_by_mgmt(demo):
    tests = table(demo, "omics/activity_comparison").drop_duplicates(["grouping", "term"])
    planted = truth(demo, "gene_sets").set_index("term")["region"]
    mvp = tests[tests["grouping"] == "mvp"].sort_values("p").iloc[0]
    assert planted[mvp["term"]] == "CTmvp"
    # Positive: more active where there is much of it.
    assert mvp["q"] < 0.05 and mvp["effect_low"] > 0
    assert (tests.loc[tests["grouping"] == "mgmt", "q"] > 0.05).all()


def test_poor_cells_are_left_out_and_no_others(demo):
    planted = truth(demo, "cells").set_index("cell")
    cells = table(demo, "omics/cells").set_index("cell")
    assert set(cells.index) == set(planted.index[planted["quality"] == "good"])
    assert (cells["cell_type"] == planted.loc[cells.index, "cell_type"]).all()
    assert cells["patient"].nunique() == 5


def test_planted_types_lead_their_regions_genes_and_scores_in_every_patient(demo):
    genes = table(demo, "omics/cell_genes")
    genes = genes.assign(region=genes["gene"].map(truth(demo, "genes").set_index("gene")["region"]))
    scores = table(demo, "omics/cell_score_means").set_index(["signature", "patient"])
    planted = truth(demo, "cell_types").set_index("region")["cell_type"]
    for region, cell_type in planted[planted.index != ""].items():
        own = genes[genes["region"] == region]
        assert len(own) >= 18
        assert (own["cell_type"] == cell_type).all() and (own["tau"] > 0.9).all()
        assert (own["patients_agreeing"] == 5).all() and (own["patients"] == 5).all()
        for _, patient in scores.loc[region].groupby("patient"):
            best = patient.set_index("cell_type")["mean"]
            assert best.idxmax() == cell_type and best.max() > 1


def test_exactly_the_planted_pairs_of_the_chosen_signatures_are_kept(demo):
    ends = ["ligand", "receptor", "sender", "receiver"]
    planted = truth(demo, "interactions")
    region = truth(demo, "genes").set_index("gene")["region"]
    of_signature = (
        planted["receptor"].map(region).isin(demo.config["ligand_receptor"]["signatures"])
    )
    always = planted["patients"].str.split(";").map(len) == 5
    once = planted["patients"].str.fullmatch(r"P\d+")
    summary = table(demo, "omics/interaction_summary")
    kept = summary[summary["patients_kept"] > 0]
    wanted = planted.loc[always & of_signature, ends]
    assert set(map(tuple, kept[ends].to_numpy())) == set(map(tuple, wanted.to_numpy()))
    assert len(wanted) == 5 and (kept["patients_kept"] == 5).all() and (kept["q_max"] < 0.05).all()
    # Those of one patient are seen in that one, and not kept; those of other signatures not at all.
    found = table(demo, "omics/interactions")
    alone = found.loc[found["present"] & ~found["kept"], [*ends, "patient"]]
    assert set(map(tuple, alone.to_numpy())) == set(
        map(tuple, planted.loc[once, [*ends, "patients"]].to_numpy())
    )
    assert set(found["receptor"]) <= set(planted.loc[of_signature, "receptor"])


def test_the_planted_hazard_is_found_with_its_sign_and_no_other(demo):
    planted = json.loads((demo.folder / "cohort" / "truth" / "hazard.json").read_text())
    cox = table(demo, "survival/cox")
    area = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")].set_index("term")
    region = area.loc[planted["region"]]
    assert region["hazard_ratio"] > 1
    assert region["low"] > 1
    assert region["q"] < 0.05
    assert region["events"] < region["n"] <= 40
    for other in planted["unplanted"]:
        assert area.loc[other, "p"] > 0.05, other


def test_the_searched_cut_of_the_hazardous_region_holds_after_correction_and_mgmt_does_not(demo):
    cuts = table(demo, "survival/cut_points").set_index("score")
    gene = demo.config["survival"]["genes"][0]
    planted = json.loads((demo.folder / "cohort" / "truth" / "hazard.json").read_text())
    assert list(cuts.index) == [planted["region"], gene, "dls"]
    assert (cuts["p_permutation"] < 0.05).all() and (cuts["q"] < 0.05).all()
    search = table(demo, "survival/cut_search")
    best = search.loc[search.groupby("score")["statistic"].idxmax()]
    assert (best["z"] > 0).all(), "much of it is worse"
    groups = table(demo, "survival/score_groups")
    assert groups["p"].isna().all() and groups["note"].str.contains("searched for").all()
    mgmt = table(demo, "survival/covariate_groups")
    assert (mgmt["p"] > 0.05).all()


def test_genes_of_the_hazardous_region_alone_are_found_by_their_survival(demo):
    genes = table(demo, "survival/genes_cox").set_index("gene")
    planted = truth(demo, "genes").set_index("gene")["region"]
    sure = genes[genes["q"] < 0.05]
    assert len(sure) >= 4 and (sure["hazard_ratio"] > 1).all()
    # One in twenty of what passes may be false.
    assert (planted[sure.index] != "CTmvp").sum() <= 1


def test_the_planted_region_stays_beside_the_covariates_and_betters_their_model(demo):
    coefficients = table(demo, "survival/model_coefficients").set_index(["model", "term"])
    region = coefficients.loc[("combined", "CTmvp")]
    assert region["low"] > 1 and region["term_p"] < 0.001
    assert region["n"] == 40 and region["unit"].endswith("mm²)")
    null = coefficients.loc[("combined", "mgmt: methylated")]
    assert null["low"] < 1 < null["high"]
    measured = table(demo, "survival/model_performance").set_index("model")
    assert measured.loc["combined", "harrell"] > measured.loc["clinical", "harrell"] + 0.05
    assert measured.loc["combined", "auc_2y_low"] > 0.5
    assert measured.loc["combined", "ibs_gain_low"] > 0 > measured.loc["clinical", "ibs_gain_low"]
    assert measured.loc["combined", "aic"] < measured.loc["clinical", "aic"] - 4
    difference = table(demo, "survival/model_differences").set_index("kind").loc["harrell"]
    assert (difference["first"], difference["second"]) == ("clinical", "combined")
    assert difference["high"] < 0 and difference["q"] < 0.05 and difference["lr_p"] < 0.001
    # The planted hazards are proportional.
    assert (table(demo, "survival/model_proportionality")["p"] > 0.05).all()
    page = (demo.results / "summary.html").read_text()
    assert "It stays independent of them: more of it goes with shorter survival." in page


def test_the_planted_region_adds_to_the_clinical_covariates_and_they_add_nothing(demo):
    folder = "survival/clinical/CTmvp"
    models = table(demo, f"{folder}/models").set_index("model")
    tested = models.loc["clinical + CTmvp"]
    assert (tested["n"], tested["events"]) == (40, 34)
    assert tested["lr_p"] < 0.01
    assert tested["aic_change"] < 0
    # Age and MGMT are not planted: their C-index is that of chance, that of the area is not.
    assert models.loc["clinical", "low"] < 0.5 < models.loc["CTmvp", "low"]
    added = table(demo, f"{folder}/added_value").set_index(["days", "measure", "part"])
    assert (added.loc[(365, "IDI", "total"), "low"]) > 0
    assert set(table(demo, f"{folder}/optimism")["days"]) == {365, 730}
    assert table(demo, f"{folder}/notes").empty
    lines = predict(
        demo.results / folder / "score_nomogram.json", ["age=60", "mgmt=methylated", "CTmvp=0.5"]
    )
    assert lines[0].startswith("model clinical + CTmvp, n = 40 patients, 34 deaths")
    assert "Research use only" in (demo.results / "summary.html").read_text()


def test_every_slide_is_accounted_for(demo):
    quality = table(demo, "slides/quality").set_index("slide")
    assert len(quality) == 45
    bad = quality[quality["status"] != "ok"]
    assert len(bad) == 1
    assert bad["reason"].iloc[0]
    assert (quality["mpp_source"] == "sheet").sum() == 1


def test_no_patient_stands_on_two_sides(demo):
    split = table(demo, "cohort/split")
    assert split["patient"].is_unique
    assert split["role"].value_counts()[["train", "validation", "test"]].tolist() == [12, 2, 4]


def test_a_second_run_has_nothing_to_do(demo):
    done = demo.run()
    assert "Nothing to be done" in done.stdout + done.stderr


def test_the_summary_names_what_was_found_and_every_figure_has_its_table(demo):
    page = (demo.results / "summary.html").read_text()
    for words in ("CTmvp", "hazard ratio", "P034-2", "held out"):
        assert words.lower() in page.lower(), words
    assert "http://" not in page.replace("http://www.w3.org", "")
    figures = sorted((demo.results / "figures").glob("*.svg"))
    assert len(figures) >= 10
    for figure in figures:
        assert figure.with_suffix(".tsv").exists()
        assert figure.with_suffix(".png").exists()
        for ending in ("svg", "png", "tsv"):
            assert f'href="figures/{figure.stem}.{ending}"' in page


def test_every_number_of_the_summary_is_that_of_its_table(demo):
    page = (demo.results / "summary.html").read_text()
    assert check_numbers(page, finished_run(demo.results, demo.config)) > 10_000


def verify(bundle: Path) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("histoniche")), "verify", str(bundle)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_bundle_is_verified_and_one_flipped_byte_is_found(demo, tmp_path):
    bundle = demo.results / "histoniche-demo.crate.zip"
    done = verify(bundle)
    assert done.returncode == 0, done.stdout
    copy = tmp_path / "copy.zip"
    shutil.copy(bundle, copy)
    rng = np.random.default_rng(0)
    for place in rng.integers(0, bundle.stat().st_size, 5):
        with copy.open("r+b") as stream:
            stream.seek(place)
            byte = stream.read(1)[0]
            stream.seek(place)
            stream.write(bytes([byte ^ 1]))
            stream.flush()
            done = verify(copy)
            stream.seek(place)
            stream.write(bytes([byte]))
        assert done.returncode == 1, place
        assert "Traceback" not in done.stderr
    assert verify(copy).returncode == 0


@pytest.mark.parametrize("name", ["cohort", "tmp", "home"])
def test_the_bundle_holds_no_path_of_this_machine(demo, tmp_path, name):
    place = {"cohort": demo.folder, "tmp": tmp_path.parent, "home": Path.home()}[name]
    bundle = demo.results / "histoniche-demo.crate.zip"
    shutil.unpack_archive(bundle, tmp_path / "open")
    for path in (tmp_path / "open").rglob("*"):
        if path.suffix in {".json", ".tsv", ".html", ".yaml", ".svg", ".txt"}:
            assert str(place) not in path.read_text(), path
