"""A small results folder as the stages before the report leave it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from PIL import Image, ImageDraw

from histoniche.cohort.palette import Region
from histoniche.tables import write_table

PALETTE = [
    Region(0, "background", "Background", "#FFFFFF"),
    Region(1, "LE", "Leading edge", "#218FA6"),
    Region(2, "IT", "Infiltrating tumour", "#D205D0"),
    Region(3, "CT", "Cellular tumour", "#05D004"),
    Region(4, "CTpnz", "Perinecrotic zone", "#25D1F7"),
    Region(5, "CTpan", "Pseudopalisading cells around necrosis", "#06D0AA"),
    Region(6, "CTmvp", "Microvascular proliferation", "#FF6600"),
    Region(7, "CTne", "Necrosis", "#050505"),
]
CODES = [region.region for region in PALETTE[1:]]
MEAN_MM2 = dict(zip(CODES, (9.0, 14.0, 62.0, 21.0, 6.0, 2.5, 17.0), strict=True))
PATIENTS = [f"HN-{number:03d}" for number in range(1, 41)]
SLIDES = [f"{patient}-A" for patient in PATIENTS] + [f"{patient}-B" for patient in PATIENTS[:8]]
GENES = [f"GENE{number:03d}" for number in range(1, 201)]


@dataclass(frozen=True)
class Results:
    """The results folder, its files by the names that the summary page knows, and the settings."""

    root: Path
    files: dict[str, Path | list[Path]]
    settings: dict[str, object]

    def path(self, name: str) -> Path:
        """The one file of this name."""
        path = self.files[name]
        assert isinstance(path, Path)
        return path


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Writes a table as the stage before would have left it."""

    def write(table: pd.DataFrame) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        write_table(table, path)
        return path

    return write


@pytest.fixture(scope="session")
def palette() -> list[Region]:
    return PALETTE


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All stages ran; the area of CTmvp carries a hazard."""
    return write_results(tmp_path_factory.mktemp("study") / "results")


@pytest.fixture(scope="session")
def drawn(results: Results, palette: list[Region]) -> Results:
    """The same results with all their figures, by the figure's name."""
    return draw_figures(results, palette)


@pytest.fixture
def make_results(tmp_path: Path) -> Callable[[], Results]:
    """Writes a fresh results folder that a test may change."""
    return lambda: write_results(tmp_path / "results")


def write_results(root: Path) -> Results:
    """Write tables and pictures of every stage under `root`."""
    rng = np.random.default_rng(11)
    areas = fake_areas(rng)
    patients = fake_patients(rng, areas)
    files: dict[str, Path | list[Path]] = {}
    for name, place, table in (
        ("patients", "cohort/patients", patients),
        ("split", "cohort/split", fake_split()),
        ("quality", "slides/quality", fake_quality(rng)),
        ("areas", "areas/patients", areas),
        *fake_segmentation(rng),
        *fake_omics(rng),
        *fake_survival(patients, areas),
    ):
        files[name] = root / f"{place}.parquet"
        write_table(table, root / f"{place}.parquet")
    files["histories"], files["models"] = fake_models(rng, root)
    files["thumbnails"], files["overlays"], files["maps"], files["outlines"] = fake_pictures(
        rng, root
    )
    return Results(root, files, fake_settings(root))


def draw_figures(results: Results, palette: list[Region]) -> Results:
    """Draw what the draw jobs draw."""
    from histoniche.report.figures.area_survival import draw_area_survival
    from histoniche.report.figures.areas import draw_areas
    from histoniche.report.figures.cox import draw_cox
    from histoniche.report.figures.differential import draw_differential
    from histoniche.report.figures.enrichment import draw_enrichment
    from histoniche.report.figures.segmentation import draw_segmentation, draw_training
    from histoniche.report.figures.signatures import draw_signatures
    from histoniche.report.figures.survival import draw_kaplan_meier

    names = (
        *("areas", "composition", "overlap", "confusion", "agreement", "calibration", "training"),
        *("signature_genes", "signature_sizes", "enrichment", "volcano"),
        *("kaplan_meier", "cox", "area_survival"),
    )
    at = {name: results.root / "figures" / f"{name}.svg" for name in names}
    path = results.path
    draw_areas(
        path("areas"),
        palette,
        measure="area_mm2",
        by_region=at["areas"],
        composition=at["composition"],
    )
    draw_segmentation(
        path("metrics"),
        path("confusion"),
        path("agreement"),
        path("calibration"),
        palette,
        overlap_figure=at["overlap"],
        confusion_figure=at["confusion"],
        agreement_figure=at["agreement"],
        calibration_figure=at["calibration"],
    )
    draw_training([("all", 0, results.files["histories"][0])], at["training"])
    draw_signatures(
        path("correlation"),
        path("signatures"),
        path("sizes"),
        palette,
        top=8,
        genes_figure=at["signature_genes"],
        sizes_figure=at["signature_sizes"],
    )
    draw_enrichment(path("enrichment"), palette, top=8, enrichment_figure=at["enrichment"])
    draw_kaplan_meier(
        path("curves"),
        path("groups"),
        palette,
        measure="area_mm2",
        confidence=0.95,
        kaplan_meier=at["kaplan_meier"],
    )
    draw_cox(path("cox"), palette, measure="area_mm2", confidence=0.95, cox_figure=at["cox"])
    draw_differential(
        path("differential"),
        path("comparison_groups"),
        volcano=at["volcano"],
        labelled=4,
        rule={"q": 0.05, "log2_fold_change": 0.0},
    )
    draw_area_survival(path("area_correlation"), palette, area_survival=at["area_survival"])
    return Results(results.root, {**at}, results.settings)


def fake_areas(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for patient in PATIENTS:
        area = {c: rng.gamma(1.6, MEAN_MM2[c] / 1.6) * (rng.random() > 0.12) for c in CODES}
        total = sum(area.values()) * 1.1 + 1
        rows += [
            (patient, c, 1 + (patient in PATIENTS[:8]), area[c] * 4e3, area[c], area[c] / total)
            for c in CODES
        ]
    columns = ["patient", "region", "sections", "pixels", "area_mm2", "tissue_share"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(area=table["area_mm2"])


def fake_patients(rng: np.random.Generator, areas: pd.DataFrame) -> pd.DataFrame:
    bad = areas[areas["region"] == "CTmvp"].set_index("patient")["area"].reindex(PATIENTS)
    risk = 0.9 * ((bad - bad.mean()) / bad.std()).to_numpy()
    time = rng.exponential(520 * np.exp(-risk)).clip(15, 2600).round()
    event = (rng.random(len(PATIENTS)) > 0.2).astype(int)
    time[3] = np.nan
    return pd.DataFrame(
        {
            "patient": PATIENTS,
            "time_days": time,
            "event": pd.array(
                [pd.NA if np.isnan(t) else e for t, e in zip(time, event, strict=True)], "Int64"
            ),
            "age": rng.normal(58, 11, len(PATIENTS)).round(),
            "sex": np.where(rng.random(len(PATIENTS)) > 0.6, "female", "male"),
        }
    )


def fake_split() -> pd.DataFrame:
    roles = ["train"] * 14 + ["validation"] * 3 + ["test"] * 5 + ["apply"] * 18
    fold = pd.array([pd.NA] * len(PATIENTS), "Int64")
    return pd.DataFrame({"patient": PATIENTS, "role": roles, "fold": fold})


def fake_quality(rng: np.random.Generator) -> pd.DataFrame:
    table = pd.DataFrame({"slide": SLIDES, "patient": [slide[:-2] for slide in SLIDES]})
    table["status"], table["reason"] = "ok", ""
    table.loc[5, ["status", "reason"]] = [
        "skipped",
        "0.1 mm2 of tissue, less than min_tissue_mm2 0.5",
    ]
    table.loc[9, ["status", "reason"]] = [
        "skipped",
        "no resolution in the file; fill the column mpp",
    ]
    table.loc[47, ["status", "reason"]] = ["excluded", "pen marks <all over> & out of focus"]
    numbers = {
        "width_px": 18000,
        "height_px": 15000,
        "mpp": 0.5,
        "tissue_mm2": 34.0,
        "tissue_share": 0.5,
    }
    for column, centre in numbers.items():
        table[column] = centre * rng.uniform(0.7, 1.3, len(table))
    table.loc[[9, 47], list(numbers)] = np.nan
    for kind in ("pen", "fold", "bubble", "overstained", "blurred"):
        table[f"{kind}_share"] = np.linspace(0, 0.05, len(table))
    table["flags"] = ""
    table.loc[11, ["pen_share", "flags"]] = [0.41, "pen 41% of the tissue"]
    return table.assign(mpp_source="sheet", reader="jpeg", vendor="generic")


def fake_segmentation(rng: np.random.Generator) -> list[tuple[str, str, pd.DataFrame]]:
    metrics, confusion, agreement = [], [], []
    codes = ["background", *CODES]
    for role, patients in (("test", 5), ("validation", 3)):
        for c in CODES:
            iou = rng.uniform(0.55, 0.92)
            metrics.append(
                (
                    role,
                    c,
                    patients + 1,
                    patients,
                    9e5,
                    iou,
                    iou - 0.08,
                    iou + 0.05,
                    2 * iou / (1 + iou),
                    0.9,
                    0.85,
                )
            )
            r, mm2 = rng.uniform(0.8, 0.98), MEAN_MM2[c]
            agreement.append(
                (
                    role,
                    c,
                    patients + 1,
                    r,
                    r - 0.2,
                    min(1, r + 0.04),
                    mm2,
                    mm2 * rng.uniform(0.8, 1.2),
                )
            )
        mean = float(np.mean([row[5] for row in metrics[-7:]]))
        metrics.append(
            (
                role,
                "mean",
                patients + 1,
                patients,
                6.3e6,
                mean,
                mean - 0.05,
                mean + 0.03,
                0.84,
                0.9,
                0.85,
            )
        )
        for truth in codes:
            share = rng.dirichlet(np.where(np.array(codes) == truth, 40.0, 0.6))
            confusion += [(role, truth, p, int(9e5 * s)) for p, s in zip(codes, share, strict=True)]
    columns = [
        "role",
        "region",
        "slides",
        "patients",
        "pixels",
        "iou",
        "iou_low",
        "iou_high",
        "dice",
        "precision",
        "recall",
    ]
    table = pd.DataFrame(metrics, columns=columns).assign(tiled=0.97)
    for score in ("dice", "precision", "recall"):
        table[f"{score}_low"], table[f"{score}_high"] = table[score] - 0.06, table[score] + 0.04
    accuracy = pd.DataFrame(
        {
            "role": ["test", "validation"],
            "region": "overall",
            "slides": [6, 4],
            "patients": [5, 3],
            "accuracy": [0.91, 0.9],
            "accuracy_low": [0.88, 0.86],
            "accuracy_high": [0.94, 0.93],
            "macro_f1": [0.81, 0.8],
            "macro_f1_low": [0.78, 0.76],
            "macro_f1_high": [0.84, 0.83],
            "calibration_error": [0.03, 0.04],
            "calibration_error_low": [0.02, 0.03],
            "calibration_error_high": [0.06, 0.07],
        }
    )
    return [
        ("metrics", "segmentation/metrics", pd.concat([table, accuracy], ignore_index=True)),
        (
            "confusion",
            "segmentation/confusion",
            pd.DataFrame(confusion, columns=["role", "truth", "predicted", "pixels"]),
        ),
        ("calibration", "segmentation/calibration", fake_calibration()),
        (
            "agreement",
            "segmentation/agreement",
            pd.DataFrame(
                agreement,
                columns=[
                    "role",
                    "region",
                    "slides",
                    "pearson_r",
                    "pearson_low",
                    "pearson_high",
                    "mean_truth_mm2",
                    "mean_predicted_mm2",
                ],
            ),
        ),
    ]


def fake_calibration() -> pd.DataFrame:
    found = np.linspace(0.3, 0.98, 11)
    rows = pd.DataFrame(
        {
            "role": "test",
            "bin": np.arange(4, 15),
            "pixels": np.geomspace(900, 700_000, 11).astype(int),
            "confidence": found,
            "accuracy": found - 0.04,
            "accuracy_low": found - 0.09,
            "accuracy_high": found,
        }
    )
    return pd.concat([rows, rows.assign(role="validation")], ignore_index=True)


def fake_omics(rng: np.random.Generator) -> list[tuple[str, str, pd.DataFrame]]:
    rows = []
    for place, c in enumerate(CODES):
        for number, gene in enumerate(GENES):
            planted = number // 12 == place
            rho = float(np.clip(rng.normal(0.55 if planted else 0, 0.13), -0.95, 0.95))
            p = float(np.clip(np.exp(-22 * rho * rho) * rng.uniform(0.5, 1), 1e-12, 1))
            rows.append((gene, c, 38, 38, rho, p, min(1.0, p * 12), min(1.0, p * 40)))
    columns = ["gene", "region", "n", "detected", "rho", "p", "q", "p_family"]
    correlation = pd.DataFrame(rows, columns=columns)
    hits = correlation[(correlation["rho"] > 0.1) & (correlation["p"] < 0.05)]
    hits = hits.assign(survival=rng.normal(0, 0.2, len(hits)), survival_p=rng.random(len(hits)))
    parts = []
    for c in CODES:
        mine = hits[hits["region"] == c]
        parts += [
            mine.assign(signature=c),
            mine[mine["survival"] > 0].assign(signature=f"{c}pos"),
            mine[mine["survival"] < 0].assign(signature=f"{c}neg"),
        ]
    signatures = pd.concat(parts)[
        ["signature", "region", "gene", "rho", "p", "q", "p_family", "survival", "survival_p"]
    ]
    sizes = (
        signatures.groupby(["signature", "region"], sort=False)["q"]
        .agg(genes="size", genes_q05=lambda q: int((q < 0.05).sum()))
        .reset_index()
    )
    sizes["genes_family05"] = sizes["genes_q05"] // 2
    sizes["expected_by_chance"] = np.where(sizes["signature"] == sizes["region"], 5.0, np.nan)
    sizes["tested"] = len(GENES)
    enrichment = []
    for signature in sizes["signature"]:
        for number in range(12):
            overlap = int(rng.integers(0, 12))
            p = float(10 ** -rng.uniform(0, 7 if number < 2 and overlap > 5 else 1.5))
            enrichment.append(
                (
                    signature,
                    "hallmark",
                    f"HALLMARK_TERM_OF_SOME_LENGTH_{number}",
                    overlap,
                    40,
                    60,
                    200,
                    2.5,
                    p,
                    min(1.0, p * 12),
                    "GENE001;GENE002",
                )
            )
    return [
        ("correlation", "omics/correlation", correlation),
        ("signatures", "omics/signatures", signatures),
        ("sizes", "omics/signature_sizes", sizes),
        (
            "decisions",
            "omics/expression_decisions",
            pd.DataFrame(
                {
                    "step": ["unit", "patients"],
                    "item": ["counts", "matched"],
                    "count": [200, 38],
                    "detail": [
                        "scaled to counts per million",
                        "2 patients of the sheet are not in the table",
                    ],
                }
            ),
        ),
        *fake_comparisons(rng),
        *fake_samples(),
        (
            "enrichment",
            "omics/enrichment",
            pd.DataFrame(
                enrichment,
                columns=[
                    "signature",
                    "library",
                    "term",
                    "overlap",
                    "set_size",
                    "signature_size",
                    "background",
                    "odds_ratio",
                    "p",
                    "q",
                    "genes",
                ],
            ),
        ),
    ]


def fake_comparisons(rng: np.random.Generator) -> list[tuple[str, str, pd.DataFrame]]:
    z = rng.normal(size=len(GENES))
    z[:3] = (6, 5, -7)
    p = 2 * scipy.stats.norm.sf(np.abs(z))
    genes = pd.DataFrame({"gene": GENES, "n_case": 9, "n_reference": 21, "base_mean": 80.5})
    genes = genes.assign(
        comparison="idh",
        log2_fold_change=z / 4,
        error=0.25,
        z=z,
        p=p,
        q=scipy.stats.false_discovery_control(p),
    ).sort_values("p")
    groups = pd.DataFrame(
        {
            "comparison": "idh",
            "patient": ["HN-001", "HN-002"],
            "group": ["case", "reference"],
            "label": ["IDH1 mutated", "IDH1 wild type"],
        }
    )
    return [
        ("differential", "omics/differential", genes),
        ("differential_enrichment", "omics/differential_enrichment", fake_terms()),
        ("comparison_groups", "omics/comparison_groups", groups),
    ]


def fake_terms() -> pd.DataFrame:
    rows = [
        ("up", 2, "hallmark", "HALLMARK_SURE", 2, 0.4, 40, 1e-4, 0.003),
        ("up", 2, "hallmark", "HALLMARK_NOT_SURE", 1, 0.4, 40, 0.36, 0.9),
        ("up", 2, "go", "cell division", 2, 0.1, 10, 1e-5, 0.001),
        ("down", 1, "go", "cell death", 1, 0.05, 10, 0.001, 0.02),
    ]
    columns = ["direction", "n_genes", "library", "term", "overlap", "expected", "set_size"]
    table = pd.DataFrame(rows, columns=[*columns, "p", "q"])
    return table.assign(comparison="idh", background=200, odds_ratio=9.5, genes="GENE001")


def fake_samples() -> list[tuple[str, str, pd.DataFrame]]:
    samples = pd.DataFrame(
        {
            "sample": ["HN-001-01", "HN-002-02", ""],
            "patient": ["HN-001", "HN-002", "HN-003"],
            "used": [True, False, False],
            "reason": ["", "sample type Recurrent Tumor is not kept", "no sample in the data"],
        }
    )
    return [
        ("expression_patients", "omics/expression_patients", samples),
        ("mutation_patients", "omics/mutation_patients", samples.iloc[:1]),
    ]


def with_levels(cox: pd.DataFrame) -> pd.DataFrame:
    """What a row of the Cox models stands for, and the tests of its covariate and model."""
    name = cox["term"].str.split(": ", expand=True)
    categorical = cox["term"].str.contains(":")
    counts = {"level_n": 22, "level_events": 18, "reference_n": 17, "reference_events": 13}
    whole = {"term_df": 1.0, "term_p": cox["p"], "term_ph_p": cox["ph_p"]}
    return cox.assign(
        adjusted_q=np.where(
            (cox["model"] != "univariable") & (cox["kind"] == "area"), 0.04, np.nan
        ),
        covariate=name[0],
        level=name[1].fillna(""),
        reference=np.where(categorical, "female", ""),
        **{key: np.where(categorical, value, np.nan) for key, value in counts.items()},
        **whole,
        model_p=0.02,
        model_ph_p=0.4,
        aic=180.0,
        note="",
    )


def fake_survival(
    patients: pd.DataFrame, areas: pd.DataFrame
) -> list[tuple[str, str, pd.DataFrame]]:
    known = patients.dropna(subset=["time_days"])
    curves, groups, cox, links = [], [], [], []
    for place, c in enumerate(CODES):
        strong = c == "CTmvp"
        area = (
            areas[areas["region"] == c]
            .set_index("patient")["area"]
            .reindex(known["patient"])
            .to_numpy()
        )
        cut, p = float(np.median(area)), 4e-4 if strong else 0.1 + 0.1 * place
        q = min(1.0, 7 * p) if strong else 0.9
        for group, chosen in (("low", area <= cut), ("high", area > cut)):
            part = known[chosen]
            curve = kaplan_meier(part["time_days"].to_numpy(), part["event"].to_numpy(dtype=int))
            curves.append(curve.assign(region=c, group=group))
            below = curve[curve["survival"] <= 0.5]
            median = float(below["time_days"].iloc[0]) if len(below) else np.nan
            groups.append(
                (
                    c,
                    cut,
                    0.5,
                    group,
                    len(part),
                    int(part["event"].sum()),
                    median,
                    median * 0.7,
                    np.inf,
                    2.1 if strong else 1.1,
                    1.2 if strong else 0.6,
                    3.7 if strong else 2.0,
                    12.5,
                    p,
                    q,
                )
            )
        ratio = 2.41 if strong else 1.2 - 0.08 * place
        n, events = len(known), int(known["event"].sum())
        for model in ("univariable", f"multivariable: {c}"):
            width = 0.38 if model == "univariable" else 0.45
            alone = model == "univariable"
            cox.append(
                (
                    model,
                    c,
                    "area",
                    "per SD (10.2)",
                    n,
                    events,
                    ratio,
                    ratio * np.exp(-width),
                    ratio * np.exp(width),
                    3.1e-5 if strong else 0.3,
                    (2.2e-4 if strong else 0.7) if alone else np.nan,
                    0.03 if c == "CTne" else 0.6,
                    0.66,
                )
            )
            if not alone:
                for term, unit in (("age", "per 10 years"), ("sex: male", "male vs female")):
                    cox.append(
                        (
                            model,
                            term,
                            "covariate",
                            unit,
                            n,
                            events,
                            1.3,
                            0.9,
                            1.9,
                            0.2,
                            np.nan,
                            0.5,
                            0.66,
                        )
                    )
        for stratum, size in (("all", n), ("TP53 mutated", 17), ("EGFR mutated", 14)):
            r = -0.52 if strong else 0.06 * (place - 3) + 0.01 * (size - 15) - 0.1
            rp = 6e-4 if strong else 0.04 if (place, size) == (1, 14) else 0.5
            value = (r, r - 0.2, r + 0.2, rp, min(1.0, rp * 7))
            links.append((stratum, c, size, 4, *value, *value))
    for term, unit in (("age", "per 10 years"), ("sex: male", "male vs female")):
        cox.append(
            (
                "univariable",
                term,
                "covariate",
                unit,
                39,
                31,
                1.4,
                1.0,
                1.95,
                0.049,
                np.nan,
                0.4,
                0.6,
            )
        )
    return [
        ("curves", "survival/curves", pd.concat(curves, ignore_index=True)),
        (
            "groups",
            "survival/groups",
            pd.DataFrame(
                groups,
                columns=[
                    "region",
                    "cut",
                    "cut_quantile",
                    "group",
                    "n",
                    "events",
                    "median_days",
                    "median_low",
                    "median_high",
                    "hazard_ratio",
                    "hazard_low",
                    "hazard_high",
                    "chi2",
                    "p",
                    "q",
                ],
            ),
        ),
        (
            "cox",
            "survival/cox",
            pd.DataFrame(
                cox,
                columns=[
                    "model",
                    "term",
                    "kind",
                    "unit",
                    "n",
                    "events",
                    "hazard_ratio",
                    "low",
                    "high",
                    "p",
                    "q",
                    "ph_p",
                    "concordance",
                ],
            ).pipe(with_levels),
        ),
        (
            "area_correlation",
            "survival/area_correlation",
            with_and_without_outliers(
                pd.DataFrame(
                    links,
                    columns=[
                        "stratum",
                        "region",
                        "n",
                        "censored",
                        *(f"pearson_{end}" for end in ("r", "low", "high", "p", "q")),
                        *(f"spearman_{end}" for end in ("rho", "low", "high", "p", "q")),
                    ],
                )
            ),
        ),
        (
            "outliers",
            "survival/outliers",
            pd.DataFrame(
                {
                    "variable": ["time_days", "CT", "CT"],
                    "patient": ["HN-001", "HN-001", "HN-002"],
                    "value": [3000.0, 90.5, 88.1],
                    "step": [1, 1, 2],
                    "n": [38, 38, 37],
                    "g": [4.1, 3.9, 3.8],
                    "critical": [3.0, 3.0, 3.0],
                }
            ),
        ),
    ]


def with_and_without_outliers(links: pd.DataFrame) -> pd.DataFrame:
    fewer = links.assign(outliers="removed", n=links["n"] - 2)
    return pd.concat([links.assign(outliers="kept"), fewer], ignore_index=True)


def kaplan_meier(time: np.ndarray, event: np.ndarray) -> pd.DataFrame:
    rows = [(0.0, 1.0, 1.0, 1.0, len(time), 0, 0)]
    alive, variance = 1.0, 0.0
    for step in np.unique(time):
        at_risk, died = int((time >= step).sum()), int(event[time == step].sum())
        alive *= 1 - died / at_risk
        variance += died / (at_risk * max(at_risk - died, 1))
        half = 1.96 * alive * np.sqrt(variance)
        lost = int((time == step).sum()) - died
        rows.append(
            (step, alive, max(0.0, alive - half), min(1.0, alive + half), at_risk, died, lost)
        )
    columns = ["time_days", "survival", "low", "high", "at_risk", "events", "censored"]
    return pd.DataFrame(rows, columns=columns)


def fake_models(rng: np.random.Generator, root: Path) -> tuple[list[Path], list[Path]]:
    folder = root / "models" / "all" / "0"
    epochs = np.arange(1, 31)
    loss = 1.6 * np.exp(-epochs / 8) + 0.3
    history = pd.DataFrame(
        {
            "epoch": epochs,
            "train_loss": loss,
            "validation_loss": loss + 0.1 + 0.002 * epochs * rng.random(30),
            "validation_dice": 0.9 - 0.7 * np.exp(-epochs / 6),
        }
    )
    write_table(history, folder / "history.parquet")
    model = {"architecture": "Unet", "encoder": "resnet34", "classes": ["background", *CODES]}
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "model.safetensors").write_bytes(rng.bytes(4000))
    return [folder / "history.parquet"], [folder / "model.json"]


def fake_pictures(rng: np.random.Generator, root: Path) -> tuple[list[Path], ...]:
    thumbnails, overlays, maps, outlines = [], [], [], []
    for slide in SLIDES[:-1]:
        picture = Image.new("RGB", (512, 400), "#f4f1f3")
        draw = ImageDraw.Draw(picture)
        left, top = rng.integers(20, 160, 2)
        draw.ellipse((left, top, left + 300, top + 220), fill="#d9a5c3")
        thumbnails.append(root / "slides" / slide / "contour.png")
        thumbnails[-1].parent.mkdir(parents=True)
        picture.save(thumbnails[-1])
        for region in PALETTE[1:]:
            x, y = rng.integers(0, 220, 2)
            draw.rectangle(
                (left + x, top + y / 1.5, left + x + 60, top + y / 1.5 + 40), fill=region.colour
            )
        overlays.append(root / "regions" / slide / "overlay.png")
        overlays[-1].parent.mkdir(parents=True)
        picture.save(overlays[-1])
        outlines.append(overlays[-1].with_name("regions.geojson"))
        outlines[-1].write_text('{"type": "FeatureCollection", "features": []}\n')
        store = overlays[-1].with_name("map.ome.zarr")
        (store / "0" / "c" / "0").mkdir(parents=True)
        (store / "0" / "c" / "0" / "0").write_bytes(rng.bytes(300))
        (store / ".snakemake_timestamp").touch()
        maps.append(store / "zarr.json")
        maps[-1].write_text('{"zarr_format": 3, "node_type": "group"}\n')
    return thumbnails, overlays, maps, outlines


def fake_settings(root: Path) -> dict[str, object]:
    """The configuration with its defaults, as common.smk hands it over."""
    home = root.parent
    return {
        "study": {
            "name": "fake",
            "title": "Regions of <forty> tumours",
            "license": "CC-BY-4.0",
            "description": "Forty patients & their slides, made up.",
            "authors": ["Ada Author", "Ben Buddy"],
        },
        "results": str(root),
        "seed": 7,
        "on_bad_slide": "skip",
        "palette": "ivygap",
        "cohort": {
            "slides": str(home / "slides.tsv"),
            "patients": str(home / "patients.tsv"),
            "root": str(home),
            "time_unit": "days",
            "covariates": {
                "age": {"type": "numeric", "unit": "mg/l", "per": 10.0},
                "sex": {"type": "categorical"},
            },
        },
        "split": {"method": "ratio", "ratio": [14, 3, 5], "folds": 5, "fold": 0},
        "slides": {"thumbnail_px": 1024, "tissue": "otsu"},
        "tilings": {"region": {"mpp": 8.0, "size": 512, "min_tissue": 0.05}},
        "segmentation": {
            "tiling": "region",
            "strategy": "joint",
            "heads": {},
            "slides_per_job": 16,
            "training": {
                "architecture": "Unet",
                "encoder": "resnet34",
                "encoder_weights": None,
                "epochs": 50,
                "patience": 10,
                "loss": ["cross_entropy", "dice"],
                "optimiser": "adamw",
                "learning_rate": 0.001,
                "schedule": {"name": "cosine"},
                "augment": {"flip": {"probability": 0.5}, "hue": {"probability": 0.0}},
            },
        },
        "areas": {"measure": "area_mm2", "patient": "patient", "columns": {}},
        "expression": {
            "path": str(home / "counts.tsv.gz"),
            "unit": "counts",
            "detected_above": 0,
            "min_patients": 25,
        },
        "mutations": {
            "path": str(home / "mutations.maf"),
            "barcode": "whole",
            "top": 10,
            "genes": [],
            "min_patients": 10,
        },
        "signatures": {"rho": 0.1, "p": 0.05, "p_kind": "raw"},
        "enrichment": {
            "gene_sets": {"hallmark": str(home / "gene_sets.gmt")},
            "min_size": 5,
            "max_size": 500,
        },
        "differential": {"covariates": [], "min_count": 10, "q": 0.05, "log2_fold_change": 0.0},
        "survival": {"regions": [], "cut": 0.5, "confidence": 0.95},
        "report": {"examples": 4, "top_genes": 8},
    }
