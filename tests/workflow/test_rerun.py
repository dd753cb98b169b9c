"""What is planned again after each kind of edit."""

import os
import re

import pytest

from histoniche.files import read_json
from histoniche.tables import read_table
from study import Study

ANALYSIS_END = {"draw_survival", "write_summary", "seal_bundle", "all"}


def changed(config, *keys, value):
    """A block of the config with one key changed."""
    block = dict(config[keys[0]])
    inner = block
    for key in keys[1:-1]:
        inner[key] = dict(inner[key])
        inner = inner[key]
    inner[keys[-1]] = value
    return {keys[0]: block}


def batches(study, stage):
    """Slides of each batch of a stage, by its manifest."""
    manifests = (study.results / stage / ".batches").glob("*.json")
    return {path: set(read_json(path)["slides"]) for path in manifests}


def test_nothing_is_planned_without_an_edit(demo):
    assert demo.planned() == {}


def test_a_survival_setting_re_runs_survival_alone(demo):
    planned = demo.planned(**changed(demo.config, "survival", "cut", value=0.4))
    assert set(planned) == {"fit_survival", *ANALYSIS_END}


def test_the_correction_of_pairs_re_runs_the_groups_by_covariate_alone(demo):
    planned = demo.planned(**changed(demo.config, "survival_curves", "correction", value="bh"))
    end = {"draw_covariate_groups", "write_summary", "seal_bundle", "all"}
    assert set(planned) == {"compare_covariates", *end}


def test_a_setting_of_the_survival_models_re_runs_what_uses_it_alone(demo):
    end = {"draw_survival_models", "write_summary", "seal_bundle", "all"}
    planned = demo.planned(**changed(demo.config, "survival_models", "knots", value=3))
    assert set(planned) == {"check_assumptions", *end}
    planned = demo.planned(**changed(demo.config, "survival_models", "bootstraps", value=50))
    assert set(planned) == {"evaluate_models", "check_assumptions", *end}


def test_a_signature_threshold_re_runs_what_follows_from_signatures(demo):
    planned = demo.planned(signatures={"rho": 0.3})
    assert "derive_signatures" in planned
    assert "correlate_expression" not in planned
    assert {"describe_cell_signatures", "find_interactions"} <= set(planned)
    assert not set(planned) & {"tile_slides", "train_head", "fit_survival", "prepare_cells"}


def test_a_ligand_receptor_setting_re_runs_that_stage_alone(demo):
    planned = demo.planned(**changed(demo.config, "ligand_receptor", "q", value=0.01))
    assert set(planned) == {
        *("find_interactions", "draw_interactions", "write_summary", "seal_bundle", "all")
    }


def test_a_setting_of_the_activities_re_runs_what_follows_from_them(demo):
    planned = demo.planned(**changed(demo.config, "activity", "min_patients", value=6))
    assert set(planned) - ANALYSIS_END == {"compare_activity", "draw_activity_groups"}
    planned = demo.planned(**changed(demo.config, "activity", "method", value="ssgsea"))
    assert {"score_activity", "correlate_activity", "compare_activity"} <= set(planned)
    assert not set(planned) & {"prepare_expression", "correlate_expression", "divide_patients"}


def test_a_tile_size_re_runs_from_tiling_on_but_not_the_inspection(demo):
    planned = demo.planned(**changed(demo.config, "tilings", "region", "size", value=64))
    assert planned["tile_slides"] == len(batches(demo, "tiles/region")) > 5
    assert planned["train_head"] == 1
    assert {"segment_slides", "map_regions", "correlate_expression"} <= set(planned)
    assert not set(planned) & {"inspect_slides", "prepare_expression"}


def test_a_limit_re_cuts_only_the_slides_whose_verdict_it_changes(demo):
    quality = read_table(demo.results / "slides" / "quality.parquet")
    used = quality[quality["status"] == "ok"].sort_values("tissue_mm2")
    limits = {"min_tissue_mm2": float(used["tissue_mm2"].iloc[2:4].mean())}
    slides = demo.config["slides"]
    planned = demo.planned(slides={**slides, "limits": limits})
    held = batches(demo, "tiles/region").values()
    assert planned["tile_slides"] == sum(bool(own & set(used["slide"].iloc[:3])) for own in held)
    assert planned["collect_quality"] == 1
    assert "inspect_slides" not in planned
    # A limit that changes no verdict changes the table alone.
    planned = demo.planned(slides={**slides, "limits": {"max_share": {"pen": 0.9}}})
    assert "collect_quality" in planned
    assert not set(planned) & {"inspect_slides", "tile_slides", "train_head"}


def test_a_bad_slide_stops_the_run_without_any_slide_done_anew(own_copy):
    planned = own_copy.planned(on_bad_slide="fail")
    assert set(planned) == {"check_slides", "write_summary", "seal_bundle", "all"}
    done = own_copy.run(succeed=False, on_bad_slide="fail")
    assert "1 of 45 slides cannot be used; the first, " in done.stdout + done.stderr
    assert (own_copy.results / "slides" / "contact_sheet.png").is_file()


def test_the_title_re_runs_page_and_bundle_alone(demo):
    planned = demo.planned(**changed(demo.config, "study", "title", value="Another"))
    assert set(planned) == {"write_summary", "seal_bundle", "all"}


def test_the_rule_of_a_differing_gene_re_runs_no_test_of_genes(demo):
    planned = demo.planned(**changed(demo.config, "differential", "q", value=0.01))
    assert set(planned) == {
        "enrich_differential", "draw_differential", "draw_differing_genes", "write_summary",
        "seal_bundle", "all",
    }  # fmt: skip


def test_a_limit_of_the_pathways_re_runs_them_and_what_follows_alone(demo):
    end = {"carry_pathways", "draw_pathways", "write_summary", "seal_bundle", "all"}
    planned = demo.planned(**changed(demo.config, "pathways", "correlation_q", value=0.05))
    assert set(planned) == {"score_pathways", *end}
    planned = demo.planned(**changed(demo.config, "pathways", "q", value=0.01))
    assert set(planned) == {"correlate_pathways", "score_pathways", *end}
    planned = demo.planned(**changed(demo.config, "pathways", "cut", "min_share", value=0.2))
    assert set(planned) == end


def test_a_cut_by_survival_re_runs_the_comparisons_and_no_survival(demo):
    planned = demo.planned(**changed(demo.config, "comparisons", "mvp", "cut", value="survival"))
    assert {"divide_patients", "compare_expression", "correlate_pathways"} <= set(planned)
    assert not set(planned) & {"gather_scores", "compare_scores", "score_activity"}


def test_a_touched_slide_re_runs_nothing_and_a_changed_one_itself(own_copy):
    slide = own_copy.folder / "cohort" / "slides" / "P001-1.tif"
    assert own_copy.planned() == {}
    os.utime(slide)
    assert own_copy.planned() == {}
    content = bytearray(slide.read_bytes())
    content[len(content) // 2] ^= 1
    slide.write_bytes(content)
    planned = own_copy.planned()
    for rule in ("inspect_slides", "tile_slides", "segment_slides", "map_regions"):
        assert planned[rule] == 1
    assert "train_head" not in planned
    # Of its batch it alone is done anew.
    tiles = own_copy.results / "tiles" / "region"
    stores = {path.parent.stem: path for path in tiles.glob("*.zarr/zarr.json")}
    before = {name: path.stat().st_mtime_ns for name, path in stores.items()}
    (batch,) = [path for path, own in batches(own_copy, "tiles/region").items() if "P001-1" in own]
    own_copy.run(str(batch.relative_to(own_copy.folder)))
    after = {name: path.stat().st_mtime_ns for name, path in stores.items()}
    assert {name for name in before if before[name] != after[name]} == {"P001-1"}


def test_what_was_deleted_by_hand_is_made_again_and_nothing_else(own_copy):
    lost = [own_copy.results / "slides/P001-1/tissue.png"]
    lost.append(own_copy.results / "regions/P003-1/overlay.png")
    for path in lost:
        path.unlink()
    planned = own_copy.planned()
    assert planned["inspect_slides"] == planned["tile_slides"] == 1
    assert "map_regions" in planned and "train_head" not in planned
    others = [
        *(own_copy.results / "slides").glob("*/tissue.png"),
        *(own_copy.results / "tiles").glob("*/*.zarr/zarr.json"),
        *(own_copy.results / "regions").glob("*/overlay.png"),
    ]
    before = [path.stat().st_mtime_ns for path in others]
    own_copy.run("--until", "map_regions", "tile_slides")
    assert all(path.is_file() for path in lost)
    assert [path.stat().st_mtime_ns for path in others] == before
    # The manifests say the same as before, so that nothing follows.
    assert own_copy.planned() == {}


def test_a_touched_mask_or_small_table_re_runs_nothing(own_copy):
    for path in (own_copy.folder / "cohort").rglob("*"):
        os.utime(path)
    assert own_copy.planned() == {}


def test_a_touched_table_of_many_megabytes_re_runs_nothing(tmp_path):
    (tmp_path / "patients.tsv").write_text("patient\nP1\nP2\n")
    areas = tmp_path / "areas.csv"
    areas.write_text("patient,CT,remark\n" + f"P1,3,{'x' * 3_000_000}\nP2,4,\n")
    config = {
        "results": "results",
        "cohort": {"patients": "patients.tsv"},
        "areas": {"path": "areas.csv", "patient": "patient", "columns": {"CT": "CT"}},
    }
    study = Study(tmp_path, config)
    target = "results/areas/patients.parquet"
    study.run(target)
    os.utime(areas)
    done = study.run("--dry-run", target)
    assert "Nothing to be done" in done.stdout + done.stderr, done.stdout
    areas.write_text(areas.read_text().replace("P2,4", "P2,5"))
    assert "import_areas" in study.run("--dry-run", target).stdout


def test_a_slide_more_re_runs_its_own_batch_alone(own_copy):
    sheet = own_copy.folder / "cohort" / "slides.tsv"
    header, first, *rows = sheet.read_text().splitlines()
    cells = first.split("\t")
    column = header.split("\t").index("annotation")
    # First in the sheet, and of the first patient, whose slides all others follow.
    new = ["A000-1", *cells[1:column], "", *cells[column + 1 :]]
    sheet.write_text("\n".join([header, "\t".join(new), first, *rows]) + "\n")
    planned = own_copy.planned()
    for rule in ("inspect_slides", "tile_slides", "segment_slides"):
        assert planned[rule] == 1
    assert "train_head" not in planned


@pytest.fixture
def edited_checkout(demo, checkout_copy):
    """Plan with a file of the package edited, and put back what was there."""
    before = {}

    def plan(file: str, old: str, new: str):
        path = checkout_copy / "workflow" / "histoniche" / file
        text = before.setdefault(path, path.read_text())
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        return demo.planned()

    yield plan
    for path, text in before.items():
        path.write_text(text)


def test_an_edit_of_a_function_re_runs_its_users(edited_checkout):
    planned = edited_checkout(
        "survival/area_correlation.py",
        "def correlate_survival(",
        "X = 1\n\n\ndef correlate_survival(",
    )
    assert set(planned) == {"correlate_survival", *ANALYSIS_END}


def test_a_comment_re_runs_nothing(edited_checkout):
    planned = edited_checkout(
        "survival/area_correlation.py",
        "def correlate_survival(",
        "# A remark.\ndef correlate_survival(",
    )
    assert planned == {}


def test_an_edit_of_an_adapter_re_runs_its_rule(edited_checkout):
    planned = edited_checkout("../scripts/correlate_survival.py", "with job(", "print()\nwith job(")
    assert set(planned) == {"correlate_survival", *ANALYSIS_END}


def test_every_rule_with_a_script_states_the_version_of_its_code(checkout):
    for file in sorted((checkout / "workflow" / "rules").glob("*.smk")):
        rules = re.split(r"(?m)^ *(?:rule |name:)", file.read_text())[1:]
        for rule in rules:
            scripts = re.findall(r'"\.\./scripts/(\w+)\.py"', rule)
            # A fetched file is told by its md5 alone: no other code brings gigabytes anew.
            scripts = [] if "content_of_sources(" in rule else scripts
            assert re.findall(r'code_version\("(\w+)"\)', rule) == scripts, rule[:60]
