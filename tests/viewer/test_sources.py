"""Where slides lie, as the configuration of a run says."""

import shutil

import pandas as pd
import pytest
import yaml

from histoniche.errors import InputError
from histoniche.tables import write_table
from histoniche.viewer.index import Index
from histoniche.viewer.sources import find_config, read_sources
from histoniche.viewer.topics import find_topics


def test_the_configuration_of_the_results_is_found(made, tmp_path):
    assert find_config(made.results, made.folder / "config") == made.config
    assert find_config(tmp_path, made.folder / "config") is None


def test_two_configurations_of_one_folder_are_asked_about(made, tmp_path):
    (tmp_path / "config").mkdir()
    for name in ("a", "b"):
        (tmp_path / "config" / f"{name}.yaml").write_text(
            yaml.safe_dump({"cohort": {}, "results": "results"})
        )
    with pytest.raises(InputError, match="--config"):
        find_config(tmp_path / "results", tmp_path / "config")


def test_a_configuration_that_leaves_the_results_where_they_usually_are_is_found(tmp_path):
    (tmp_path / "config").mkdir()
    path = tmp_path / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({"cohort": {}}))
    assert find_config(tmp_path / "results", tmp_path / "config") == path


def test_the_sheet_says_where_slides_lie_and_how_fine_they_are(made):
    sources = read_sources(made.config)
    assert sources.title == "Made study"
    assert sources.files["P1-1"].path == made.folder / "slides" / "P1-1.tif"
    assert sources.files["P1-1"].mpp is None


def test_only_slides_that_the_run_could_read_are_opened(index):
    assert index.file("P1-1") is not None
    assert index.file("P2-1") is None


def test_every_figure_and_table_stands_on_one_page(index):
    topics = find_topics(index)
    figures = [name for found in topics.values() for name in found.figures]
    tables = [name for found in topics.values() for name in found.tables]
    assert sorted(figures) == sorted(index.figures)
    assert sorted(tables) == sorted(index.tables)
    assert topics["survival"].figures == ["cox"]
    assert topics["signatures"].tables == ["omics/signatures"]


def test_a_run_that_started_from_areas_has_no_slides(copied):
    (copied.results / "slides" / "quality.parquet").unlink()
    assert len(Index(copied.results).slides) == 0


def test_risks_and_the_biology_behind_a_score_have_their_pages(copied):
    for name in ("risk_concordance", "risks_imaging", "imaging_samples", "pathway_activity"):
        shutil.copy(copied.results / "figures" / "cox.svg", copied.results / f"figures/{name}.svg")
    scores = pd.DataFrame({"patient": ["P1"], "slide_signature": [0.5]})
    write_table(scores, copied.results / "slide_signature" / "scores.parquet")
    topics = find_topics(Index(copied.results))
    assert topics["risk"].figures == ["imaging_samples", "risk_concordance", "risks_imaging"]
    assert topics["risk"].tables == ["slide_signature/scores"]
    assert "pathway_activity" in topics["enrichment"].figures
