"""The summary page of a large cohort: below 20 MB, with what it leaves out one click away."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histoniche.report.figures.areas import draw_areas
from histoniche.report.page import write_summary
from histoniche.tables import read_table, write_table
from trait_tables import curves_and_metrics

PATIENTS, TRAITS, LIMIT = 3000, 30, 20_000_000
KINDS = ("trait_roc", "trait_confusion", "trait_scores", "trait_training")


def repeated(table, times):
    """A table of as many more patients, each row again under another name."""
    copies = [table.assign(patient=table["patient"] + f".{k}") for k in range(times)]
    return pd.concat(copies, ignore_index=True)


@pytest.fixture(scope="module")
def cohort(results, palette, tmp_path_factory):
    """Results of 3,000 patients and slides, and of 30 traits."""
    root = tmp_path_factory.mktemp("large") / "results"
    rng = np.random.default_rng(0)
    times = PATIENTS // 40
    files = {}
    for name in ("patients", "areas", "split"):
        files[name] = root / f"{name}.parquet"
        write_table(repeated(read_table(results.path(name)), times), files[name])
    slides = repeated(read_table(results.path("quality")).head(40), times)
    slides["slide"] = [f"S{k}" for k in range(len(slides))]
    files["quality"] = root / "quality.parquet"
    write_table(slides, files["quality"])
    levels = {"patient": 40}
    metrics = [curves_and_metrics(trait=f"T{k}", levels=levels)[1] for k in range(TRAITS)]
    files["trait_metrics"] = root / "trait_metrics.parquet"
    write_table(pd.concat(metrics), files["trait_metrics"])
    files |= {"metrics": results.path("metrics")}
    files["figures"] = drawn(root, files["areas"], palette, rng)
    noise = Image.fromarray(rng.integers(0, 255, (700, 1400, 3), dtype=np.uint8))
    for kind, name, folders in (
        ("thumbnails", "slides/S{}/contour.png", range(96)),
        ("overlays", "regions/S{}/overlay.png", range(6)),
        ("trait_galleries", "traits/T{}/gallery.png", range(TRAITS)),
    ):
        files[kind] = [root / name.format(k) for k in folders]
        for path in files[kind]:
            path.parent.mkdir(parents=True)
            if path == files[kind][0]:
                noise.save(path, compress_level=1)
            else:
                path.hardlink_to(files[kind][0])
    return root, files


def drawn(root, areas, palette, rng):
    """Figures of all patients, and four of each trait, as large as drawings may be."""
    folder = root / "figures"
    paths = [folder / "areas.svg", folder / "composition.svg"]
    draw_areas(areas, palette, measure="area_mm2", by_region=paths[0], composition=paths[1])
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="2"/>' for x, y in rng.integers(0, 900, (15000, 2))
    )
    table = pd.DataFrame({"x": range(190), "y": rng.random(190)})
    for k in range(TRAITS):
        for kind in KINDS:
            paths.append(folder / f"{kind}_T{k}.svg")
            paths[-1].write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{dots}</svg>')
            table.to_csv(paths[-1].with_suffix(".tsv"), sep="\t", index=False)
    return paths


@pytest.fixture(scope="module")
def page(cohort, results, palette):
    root, files = cohort
    settings = results.settings | {"results": str(root), "traits": {}}
    write_summary(root / "summary.html", results=files, settings=settings, palette=palette)
    return root / "summary.html"


def test_it_stays_small_though_its_figures_are_not(page, cohort):
    held = sum(path.stat().st_size for path in cohort[1]["figures"])
    assert held > 3 * LIMIT
    # Not smaller than it has to be: what there is room for stands on the page.
    assert LIMIT / 3 < page.stat().st_size < LIMIT


def test_whatever_it_leaves_out_lies_where_its_links_lead(page):
    text = page.read_text()
    linked = set(re.findall(r'(?:src|href)="((?:figures|slides|regions|traits)/[^"]+)"', text))
    figures = {name for name in linked if name.startswith("figures/") and name.endswith(".svg")}
    assert len(figures) == 2 + TRAITS * len(KINDS)
    # The pictures of drawings that this test made by hand are not there.
    wanted = {name for name in linked if not re.match(r"figures/trait_\w+\.png", name)}
    assert [name for name in wanted if not Path(page.parent, name).is_file()] == []
    shown = re.findall(r'<img[^>]* src="((?!data:)[^"]+)"', text)
    assert len(shown) > 50
    assert f"{len(shown)} pictures stand in files beside it" in text


def test_a_small_cohort_holds_all_its_pictures(results, palette, tmp_path):
    files = {name: results.files[name] for name in ("patients", "quality", "thumbnails")}
    out = tmp_path / "s.html"
    write_summary(out, results=files, settings=results.settings, palette=palette)
    text = out.read_text()
    assert "stand in files beside it" not in text
    assert re.findall(r'<img[^>]* src="(?!data:)', text) == []
