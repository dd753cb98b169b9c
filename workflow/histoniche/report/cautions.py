"""What to be careful with: assumptions that fail in the tables of a run, and what to do then."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Finding, Findings, Paragraph, Section, caution, caution_on
from histoniche.report.evaluation import ROLE_NAMES, best_role
from histoniche.report.numbers import format_interval, format_number, percent
from histoniche.report.results import Results, records
from histoniche.report.risk_findings import risk_cautions
from histoniche.report.survival_cautions import survival_cautions
from histoniche.report.trait_findings import trait_cautions
from histoniche.wording import count, join_words, listed

_FEW_HELD_OUT = 5
_FEW_WITH_EXPRESSION = 30
_FEW_IN_GROUP = 5
_FEW_WITH_CELLS = 3
_LOST = 0.1
_UNKNOWN = 0.2
_LOW_IOU = 0.5
_LOW_R = 0.7
_MISCALIBRATED = 0.1


def careful_section(results: Results) -> Section | None:
    """All cautions of the run in one place; None if there is none."""
    found = cautions(results)
    if not found:
        return None
    text = (
        "Where the data speak against what a method takes for granted, or say little: the test or "
        "count, and what to do about it. Only checks that raised something stand here."
    )
    return Section("careful", "What to be careful with", [Paragraph(text), Findings(found)])


def cautions(results: Results) -> list[Finding]:
    """What limits the findings, in the order of the sections."""
    return [
        *_covariates(results),
        *_slides(results),
        *_segmentation(results),
        *_agreement(results),
        *trait_cautions(results),
        *_scans(results),
        *risk_cautions(results),
        *_signatures(results),
        *_cells(results),
        *_comparisons(results),
        *survival_cautions(results),
    ]


def _covariates(results: Results) -> Iterator[Finding]:
    """Covariates that many patients lack."""
    patients = results.table("patients")
    declared = results.block("cohort").get("covariates", {})
    lacking = patients[[name for name in declared if name in patients]].isna().mean()
    parts = [
        f"{name} ({count(int(patients[name].isna().sum()), 'patient')}, {percent(share)})"
        for name, share in lacking.items()
        if share > _UNKNOWN
    ]
    if parts:
        yield caution(
            f"Not known for more than {percent(_UNKNOWN)} of {count(len(patients), 'patient')}: "
            f"{join_words(parts)}. Models with covariates leave these patients out: see whether "
            "the others are like them.",
            "patients",
        )


def _slides(results: Results) -> Iterator[Finding]:
    """Many slides that could not be used."""
    if not results.has("quality"):
        return
    quality = results.table("quality")
    asked = quality[quality["status"] != "excluded"]
    skipped = asked[asked["status"] == "skipped"]
    if len(asked) and len(skipped) / len(asked) > _LOST:
        yield _lost(skipped["reason"], len(asked), "slide", "slides")


def _scans(results: Results) -> Iterator[Finding]:
    """Many scans that could not be used."""
    if not results.has("scan_quality"):
        return
    quality = results.table("scan_quality")
    bad = quality[quality["status"] != "ok"]
    if len(quality) and len(bad) / len(quality) > _LOST:
        yield _lost(bad["reason"], len(quality), "scan", "risk_signatures")


def _lost(reasons: "pd.Series[str]", total: int, what: str, see: str) -> Finding:
    """Slides or scans that fell out, with the most frequent reasons."""
    counts = reasons.fillna("").replace("", "no reason given").value_counts()
    told = "; ".join(f"{reason} ({number:,})" for reason, number in counts.head(3).items())
    return caution(
        f"{len(reasons):,} of {count(total, what)} ({percent(len(reasons) / total)}) could not be "
        f"used: {told}. Those left may differ from those lost: mend what can be mended, and run "
        "again.",
        see,
    )


def _segmentation(results: Results) -> Iterator[Finding]:
    """Accuracy that rests on few, or is low, and probabilities that are off."""
    if not results.has("metrics"):
        return
    metrics = results.table("metrics")
    role = best_role(metrics)
    if role is None:
        yield caution(
            "The accuracy of the regions is not known: nobody was held out. Annotate slides of "
            "further patients.",
            "segmentation",
        )
        return
    own = metrics[metrics["role"] == role]
    patients = int(own["patients"].max())
    people = count(patients, ROLE_NAMES[role])
    if patients < _FEW_HELD_OUT:
        yield caution(
            f"The accuracy of the regions rests on {people}: it may be otherwise in others. "
            "Annotate more patients.",
            "segmentation",
        )
    yield from _overlap(results, own, people)
    yield from _calibration(own, people)


def _overlap(results: Results, own: pd.DataFrame, people: str) -> Iterator[Finding]:
    """Regions that are found with little overlap."""
    low = own[~own["region"].isin(["mean", "overall", "background"]) & (own["iou"] < _LOW_IOU)]
    parts = [
        f"{results.named(row['region'])} "
        f"{format_interval(row['iou'], row['iou_low'], row['iou_high'])}"
        for row in records(low)
    ]
    yield from caution_on(
        parts,
        f"Found with little overlap (intersection over union below {_LOW_IOU:g}; {people})",
        "What rests on the areas of these regions is uncertain: look at their maps first.",
        "segmentation",
    )


def _calibration(own: pd.DataFrame, people: str) -> Iterator[Finding]:
    """Probabilities that are off."""
    for row in records(own[own["region"] == "overall"]):
        if row["calibration_error"] > _MISCALIBRATED:
            ends = (row["calibration_error_low"], row["calibration_error_high"])
            yield caution(
                "The networks' probabilities are off: expected calibration error "
                f"{format_interval(row['calibration_error'], *ends)} ({people}), above "
                f"{_MISCALIBRATED:g}. Trust the regions more than their probabilities.",
                "segmentation",
            )


def _agreement(results: Results) -> Iterator[Finding]:
    """Areas that do not follow the annotated ones."""
    if not results.has("metrics", "agreement"):
        return
    agreement = results.table("agreement")
    if agreement.empty:
        return
    role = best_role(results.table("metrics"))
    low = agreement[(agreement["role"] == role) & (agreement["pearson_r"] < _LOW_R)]
    if len(low):
        parts = [
            f"{results.named(row['region'])} r "
            f"{format_interval(row['pearson_r'], row['pearson_low'], row['pearson_high'])}"
            for row in records(low)
        ]
        yield caution(
            f"Predicted areas follow the annotated ones poorly (Pearson's r below {_LOW_R:g}; "
            f"{count(int(low['slides'].max()), 'slide')}): {listed(parts)}. A link of these areas "
            "with genes or survival may be missed.",
            "segmentation",
        )


def _signatures(results: Results) -> Iterator[Finding]:
    """Few patients with expression, and signatures that chance could have made."""
    if not results.has("sizes", "correlation"):
        return
    tested = results.table("correlation")["n"]
    if len(tested) and tested.max() < _FEW_WITH_EXPRESSION:
        yield caution(
            f"Signatures rest on {count(int(tested.max()), 'patient')} with areas and expression: "
            f"with fewer than {_FEW_WITH_EXPRESSION}, only strong correlations can be seen.",
            "signatures",
        )
    sizes = results.table("sizes")
    whole = sizes[(sizes["signature"] == sizes["region"]) & (sizes["genes"] > 0)]
    chance = whole[(whole["genes_q05"] == 0) & whole["expected_by_chance"].notna()]
    parts = [
        f"{row['region']} ({count(int(row['genes']), 'gene')}, "
        f"{format_number(row['expected_by_chance'], 2)} by chance)"
        for row in records(chance)
    ]
    yield from caution_on(
        parts,
        "No gene of these signatures holds after correction",
        "Take what is built on them, such as gene sets and cell types, for a guess.",
        "signatures",
    )


def _comparisons(results: Results) -> Iterator[Finding]:
    """Comparisons of genes with very small groups."""
    if not results.has("differential"):
        return
    each = results.table("differential").drop_duplicates("comparison")
    small = each[each[["n_case", "n_reference"]].min(axis=1) < _FEW_IN_GROUP]
    parts = [
        f"{row['comparison']} ({int(row['n_case']):,} against {int(row['n_reference']):,})"
        for row in records(small)
    ]
    yield from caution_on(
        parts,
        f"Genes were compared between groups of fewer than {_FEW_IN_GROUP} patients",
        "One unlike patient can carry such a result.",
        "comparisons",
    )


def _cells(results: Results) -> Iterator[Finding]:
    """Single cells of very few patients."""
    if not results.has("cells"):
        return
    patients = results.table("cells")["patient"].nunique()
    if patients < _FEW_WITH_CELLS:
        yield caution(
            f"The single cells come from {count(patients, 'patient')}: what they share may be that "
            "person's. Add patients before telling of cell types.",
            "single_cells",
        )
