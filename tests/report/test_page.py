"""The summary page."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

from histoniche.report.blocks import Paragraph, Section, table
from histoniche.report.page import coded, render, write_summary
from histoniche.report.pictures import inline_drawing, jpeg_address
from histoniche.report.results import Results
from histoniche.tables import read_table, write_table

KEYS = (
    *("patients", "split", "quality", "areas", "metrics", "confusion", "agreement"),
    *("calibration", "decisions"),
    *("correlation", "signatures", "sizes", "enrichment"),
    *("expression_patients", "mutation_patients", "comparison_groups", "differential"),
    "differential_enrichment",
    *("curves", "groups", "cox", "area_correlation", "thumbnails", "overlays"),
)
VOID = {"meta", "img", "br", "link", "path", "use", "rect"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.sources, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[key] for key in ("href", "xlink:href") if key in attributes]
        self.sources += [attributes["src"]] if "src" in attributes else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def full(results, drawn, palette, tmp_path_factory):
    """The page of a run in which every stage ran."""
    out = tmp_path_factory.mktemp("page") / "summary.html"
    files = {key: results.files[key] for key in KEYS}
    files["figures"] = list(drawn.files.values())
    write_summary(out, results=files, settings=results.settings, palette=palette)
    return out.read_text(encoding="utf-8")


def page_of(results, palette, out, *names, settings=None, **others):
    files = {name: results.files[name] for name in names} | others
    write_summary(out, results=files, settings=settings or results.settings, palette=palette)
    return out.read_text(encoding="utf-8")


def test_page_needs_nothing_else_and_runs_only_its_own_script(full):
    page = Page(full)
    assert page.open == []
    assert all(source.startswith("data:image/") for source in page.sources)
    own = ("#", "data:image/png", "https://doi.org/", "figures/", "slides/", "regions/")
    assert all(link.startswith(own) for link in page.links)
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{"type": "module"}]
    script = full[full.index('<script type="module">') + 22 : full.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (
        attributes["content"]
        for _, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'" and "connect-src" not in rules
    reaching = ("eval", "Function(", "fetch", "XMLHttp", "WebSocket", "import(", "innerHTML")
    assert not any(word in script for word in reaching)
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert "url(http" not in full and "@import" not in full
    assert len(full.encode()) < 5_000_000


def test_ids_are_unique_and_every_link_leads_somewhere(full):
    page = Page(full)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", full)) <= set(page.ids)


def test_what_users_wrote_is_escaped(full):
    assert "Regions of &lt;forty&gt; tumours" in full
    assert "Forty patients &amp; their slides" in full
    assert "pen marks &lt;all over&gt; &amp; out of focus" in full
    assert "<forty>" not in full and "<all over>" not in full


def test_sections_come_in_the_order_of_the_contents(full):
    titles = re.findall(r"<h2 id=\"(\w+)-title\">", full)
    contents = re.findall(r"<li><a href=\"#(\w+)\">", full)
    assert titles == contents
    assert titles == [
        *("glance", "careful", "patients", "slides", "maps", "segmentation", "areas"),
        *("signatures", "enrichment", "comparisons", "survival", "words", "methods"),
    ]


def test_page_is_the_same_for_the_same_results(full, results, drawn, palette, tmp_path):
    files = {key: results.files[key] for key in KEYS}
    files["figures"] = list(drawn.files.values())
    out = tmp_path / "again.html"
    write_summary(out, results=files, settings=results.settings, palette=palette)
    assert out.read_text(encoding="utf-8") == full


def test_the_measures_on_the_page_are_explained_and_no_others(full, results, palette, tmp_path):
    assert "Hazard ratio: how many times" in full and "IoU (intersection over union)" in full
    assert "AUROC: of one" not in full and "Nomogram: points" not in full
    text = page_of(results, palette, tmp_path / "s.html", "patients")
    assert "q: p after Benjamini-Hochberg" in text and "Hazard ratio: how many" not in text


def test_no_place_of_a_file_stands_in_the_page(full, results):
    assert str(results.root.parent) not in full
    assert "counts.tsv.gz" not in full


def test_glance_holds_numbers_and_findings(full):
    text = re.sub(r"<[^>]+>", " ", full)
    assert re.search(r"mean IoU\s+0\.66\s+\(0\.61 to 0\.69\), 5 test patients", text)
    assert re.search(r"slides used\s+45\s+2 skipped, 1 excluded", text)
    assert "goes with shorter survival: hazard ratio 2.41" in text


def test_slides_left_out_stand_there_with_their_reason(full):
    for words in ("less than min_tissue_mm2", "fill the column mpp", "out of focus"):
        assert words in full


def test_examples_are_slides_of_held_out_patients(full):
    gallery = full[full.index('class="gallery large"') :]
    gallery = gallery[: gallery.index("</ul>")]
    assert gallery.count("<img") == 4
    assert gallery.count("test patient") == 4


def test_skipped_and_excluded_slides_are_no_examples(results, palette, tmp_path):
    settings = results.settings | {"report": {"examples": 50, "top_genes": 3}}
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", "quality", "overlays", settings=settings
    )
    gallery = text[text.index('class="gallery large"') :]
    labels = re.findall(r'class="label">([^<]+)<', gallery[: gallery.index("</ul>")])
    assert len(labels) == 45 and not {"HN-006-A", "HN-010-A", "HN-008-B"} & set(labels)
    assert len(text) < 5_000_000


def test_stages_that_did_not_run_are_named_in_one_line_of_the_methods(results, palette, tmp_path):
    settings = {
        key: results.settings[key]
        for key in ("study", "cohort", "split", "areas", "report", "seed")
    }
    text = page_of(results, palette, tmp_path / "s.html", "patients", settings=settings)
    assert re.findall(r"<h2 id=\"(\w+)-title\">", text) == [
        *("glance", "patients", "words", "methods")
    ]
    assert text.count("Not run: ") == 1
    for words in (
        "Slides and their quality (no sheet of slides)",
        "Region maps (no <code>segmentation</code> block)",
        "Areas of the regions (no <code>segmentation</code> block and no table of areas)",
        "Traits on the tiles (no <code>traits</code> block)",
        "Signatures of risk (no <code>imaging</code> and no <code>slide_signature</code> block)",
        "Gene signatures (no <code>expression</code> block)",
        "Gene sets behind the signatures (no <code>enrichment</code> block)",
        "Survival (no <code>survival</code> block)",
    ):
        assert words in text
    assert "<figure" not in text and Page(text).open == []


def test_a_search_is_told_with_its_best_trials(results, palette, tmp_path):
    board = pd.DataFrame(
        {
            "head": "all", "fold": 0, "rank": range(1, 13), "trial": range(12, 0, -1),
            "model": "0" * 12, "epoch": 4, "validation_loss": 0.5, "validation_accuracy": 0.9,
            "validation_iou": 0.7, "validation_dice": 0.8, "learning_rate": "0.00123",
        }
    )  # fmt: skip
    write_table(board, tmp_path / "board.parquet")
    tuning = {
        "trials": 12, "space": {"learning_rate": {}}, "choose": "validation_dice",
        "review": "required",
    }  # fmt: skip
    segmentation = results.settings["segmentation"] | {"tuning": tuning}
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", "metrics",
        leaderboards=[tmp_path / "board.parquet"],
        settings=results.settings | {"segmentation": segmentation},
    )  # fmt: skip
    assert "Search for the network of all regions, fold 0" in text
    assert text.count("<td>0.00123</td>") == 10
    assert "The best 10 of 12 trials" in text
    assert "drawn at random 12 times" in text and "a pathologist accepted" in text


def test_a_cross_validation_is_told_as_one(results, palette, tmp_path):
    split = {"method": "kfold", "folds": 5, "fold": None}
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", "split",
        settings=results.settings | {"split": split},
    )  # fmt: skip
    assert "annotated patients were divided into 5 folds. For each fold a network" in text


def test_areas_brought_along_are_said_to_be(results, palette, tmp_path):
    settings = dict(results.settings)
    settings["areas"] = {"measure": "pixels", "path": "/data/x/areas.csv", "columns": {}}
    settings.pop("segmentation")
    text = page_of(results, palette, tmp_path / "s.html", "patients", "areas", settings=settings)
    assert "brought along in a table" in text and "pixels of the region map" in text
    assert "/data/x" not in text


def test_no_held_out_patient_means_that_accuracy_is_not_known(results, palette, tmp_path):
    empty = tmp_path / "metrics.parquet"
    write_table(pd.DataFrame(), empty)
    text = page_of(results, palette, tmp_path / "s.html", "patients", metrics=empty)
    assert "accuracy is not known" in text and "nobody was held out" in text


def test_validation_patients_are_said_to_flatter(results, palette, tmp_path):
    metrics = read_table(results.path("metrics"))
    path = tmp_path / "metrics.parquet"
    write_table(metrics[metrics["role"] == "validation"], path)
    text = page_of(results, palette, tmp_path / "s.html", "patients", metrics=path)
    assert "flatter the networks" in text
    assert "3 validation patients" in text and "Test patients, by region" not in text


def test_patients_without_survival_are_described(results, palette, tmp_path):
    patients = read_table(results.path("patients"))
    patients["time_days"] = float("nan")
    patients["event"] = pd.array([pd.NA] * len(patients), "Int64")
    path = tmp_path / "patients.parquet"
    write_table(patients, path)
    text = page_of(results, palette, tmp_path / "s.html", patients=path)
    assert "no survival time is known" in text


def test_notes_of_the_statistics_reach_the_page(results, palette, tmp_path):
    cox = read_table(results.path("cox")).assign(note="")
    cox.loc[0, "note"] = "the area does not vary"
    path = tmp_path / "cox.parquet"
    write_table(cox, path)
    names = ("patients", "areas", "groups", "curves", "area_correlation")
    text = page_of(results, palette, tmp_path / "s.html", *names, cox=path)
    assert "the area does not vary" in text


def test_scores_stand_with_their_signatures_and_who_has_them(results, palette, saved, tmp_path):
    tables = {}
    for name in ("signatures", "sizes", "correlation"):
        table = read_table(results.path(name))
        copy = table[table["region"] == "CT"].assign(region="HTI")
        if "signature" in copy:
            copy["signature"] = copy["signature"].str.replace("CT", "HTI")
        tables[name] = saved(pd.concat([table, copy]))
    rows = [("HN-001", "HTI", "score", 0.4), ("HN-002", "HTI", "score", None)]
    scores = pd.DataFrame(rows, columns=["patient", "score", "kind", "value"])
    settings = results.settings | {
        "signatures": results.settings["signatures"] | {"scores": ["HTI"]}
    }
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", "areas",
        settings=settings, scores=saved(scores), **tables,
    )  # fmt: skip
    assert "Signatures of HTI are made alike, with the score for the area." in text
    assert "Scores brought along: HTI (1 patient)." in text
    assert "Spearman correlation with each region&#39;s area and HTI." in text
    assert text.count("<td>HTI</td>") == 2, "sizes and leading genes"


def test_rankings_of_scores_stand_after_those_of_the_regions(results, palette, saved, tmp_path):
    columns = {"library": "go", "term": "t", "leading": 3, "set_size": 9, "nes": 2.0, "p": 1e-4}
    gsea = pd.DataFrame({"region": ["HTI", "CT"], "q": 0.001}).assign(**columns)
    settings = results.settings | {
        "signatures": results.settings["signatures"] | {"scores": ["HTI"]}
    }
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", settings=settings, gsea=saved(gsea)
    )
    assert text.index("<td>CT</td>") < text.index("<td>HTI</td>")


def test_comparisons_say_who_against_whom_and_how_many_genes_differ(full):
    rows = re.findall(r"<tr>(.*?)</tr>", full, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    assert ["IDH1 mutated", "9", "IDH1 wild type", "21", "200", "2", "1"] in cells
    leading = [row for row in cells if row[:1] == ["IDH1 mutated"] and len(row) == 7][1:]
    assert [row[1] for row in leading] == ["GENE003", "GENE001", "GENE002"]


def test_gene_sets_of_the_genes_up_and_down_stand_there_with_chance_beside_them(full):
    rows = re.findall(r"<tr>(.*?)</tr>", full, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    terms = [[re.sub("<[^>]+>", "", cell) for cell in row] for row in cells if len(row) == 8]
    mine = [row for row in terms if row[0] == "IDH1 mutated"]
    assert [row[1:4] for row in mine] == [
        ["up (2)", "cell division", "go"],
        ["up (2)", "HALLMARK SURE", "hallmark"],
        ["down (1)", "cell death", "go"],
    ]
    assert mine[0][4:] == ["2 of 10", "0.10", "1.0e-5", "0.0010"]
    assert "No gene is" not in full


def test_a_direction_without_genes_is_stated_and_the_rule_is_the_configs(
    results, palette, tmp_path
):
    settings = results.settings | {"differential": {"q": 0.05, "log2_fold_change": 1.6}}
    names = ("patients", "comparison_groups", "differential", "differential_enrichment")
    text = page_of(results, palette, tmp_path / "s.html", *names, settings=settings)
    assert "No gene is up in IDH1 mutated, so nothing was tested there." in text
    assert "Genes with q &lt; 0.05 and a log2 fold change beyond ±1.6" in text


def test_who_fell_out_is_counted_by_reason(full):
    rows = re.findall(r"<tr>(.*?)</tr>", full, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    assert ["expression", "used", "1", "1"] in cells
    assert ["expression", "sample type Recurrent Tumor is not kept", "1", "1"] in cells
    assert ["expression", "no sample in the data", "0", "1"] in cells


def test_names_that_the_page_does_not_know_are_refused(results, palette):
    with pytest.raises(ValueError, match="unknown names: thumbs"):
        Results({"thumbs": []}, {}, palette)


def test_thumbnails_that_are_no_pictures_leave_a_gap_not_an_error(results, palette, tmp_path):
    broken = tmp_path / "HN-001-A" / "thumbnail.png"
    broken.parent.mkdir()
    broken.write_bytes(b"not a picture")
    text = page_of(
        results, palette, tmp_path / "s.html", "patients", "quality", thumbnails=[broken]
    )
    assert "no picture" in text


def test_large_pictures_are_made_small(tmp_path):
    path = tmp_path / "x.png"
    Image.effect_noise((3000, 2000), 90).save(path)
    address = jpeg_address(path, side=960, most=60_000)
    assert address is not None and len(address) < 60_000 * 4 / 3 + 100
    assert jpeg_address(tmp_path / "none.png", side=100, most=1000) is None


def test_large_drawings_stand_there_as_pictures(results, drawn, palette, tmp_path):
    from histoniche.report.pictures import picture_of

    path = tmp_path / "areas.svg"
    path.write_text("<svg>" + " " * 700_000 + "</svg>")
    path.with_suffix(".tsv").write_text("a\n1\n")
    path.with_suffix(".png").write_bytes(drawn.path("areas").with_suffix(".png").read_bytes())
    run = Results({"figures": [path]}, {}, palette)
    (picture,) = picture_of(run, "areas", "Areas", "")
    assert picture.drawing is None and picture.address.startswith("data:image/png")
    assert picture_of(run, "cox", "Cox", "") == []


def test_drawings_keep_their_parts_apart(drawn):
    text = str(inline_drawing(drawn.path("areas")))
    assert text.startswith("<svg") and "<style" not in text and "<metadata" not in text
    assert all(name.startswith("areas-") for name in re.findall(r' id="([^"]+)"', text))


def test_cells_and_code_are_escaped():
    rows = [("<img src=x onerror=alert(1)>", "1")]
    section = Section("x", "<x>", [table("<t>", ("a", ">b"), rows, "<n>"), Paragraph("`<y>` <z>")])
    text = render([section], study={"title": '"><script>', "description": "", "authors": ["<a>"]})
    body = text[text.index("<body>") :]
    assert not re.search(r"<(img|x|t|n|y|z|a|script)>", body) and "<img" not in body
    assert "<code>&lt;y&gt;</code> &lt;z&gt;" in body
    assert str(coded("p 3.1e-5")) == 'p <span class="number">3.1e-5</span>'
