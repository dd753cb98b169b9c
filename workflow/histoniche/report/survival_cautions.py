"""What to be careful with in survival: deaths, censoring, Cox models, groups, calibration."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Finding, caution, caution_on
from histoniche.report.numbers import format_interval, format_number, format_p, percent
from histoniche.report.results import Results, records
from histoniche.survival.estimation import FEWEST_EVENTS
from histoniche.survival.proportionality import GLOBAL
from histoniche.tables import read_table
from histoniche.wording import count, listed

_LEVEL = 0.05
_FEW_DEATHS = 30
_FEW_IN_GROUP = 10
_CENSORED = 0.5
_UNKNOWN = 0.2
_SLOPES = (0.8, 1.25)
_ICI = 0.1
_GROUPS = {
    "groups": ("region", "survival"),
    "score_groups": ("score", "survival_groups"),
    "stated_groups": ("score", "survival_groups"),
    "covariate_groups": ("covariate", "survival_groups"),
}
"""Tables of groups: what divides the patients, and the section that shows them."""


def survival_cautions(results: Results) -> list[Finding]:
    """Cautions on survival, in the order of the sections."""
    return [
        *_follow_up(results),
        *_areas(results),
        *_small_groups(results),
        *_models(results),
        *_reversed(results),
        *_clinical(results),
    ]


def _follow_up(results: Results) -> Iterator[Finding]:
    """Few deaths, many alive at last contact, many without a time."""
    patients = results.table("patients")
    known = patients[patients["time_days"].notna()]
    if known.empty:
        return
    lacking = len(patients) - len(known)
    if lacking / len(patients) > _UNKNOWN:
        yield caution(
            f"Survival is not known for {lacking:,} of {count(len(patients), 'patient')} "
            f"({percent(lacking / len(patients))}). If it is missing for a reason, the others are "
            "not like them.",
            "patients",
        )
    alive = int((known["event"] == 0).sum())
    if alive / len(known) > _CENSORED:
        yield caution(
            f"{alive:,} of {count(len(known), 'patient')} ({percent(alive / len(known))}) were "
            "alive when last seen. Medians may not be reached, and the ends of curves rest on "
            "few: read numbers at risk, and hazard ratios before correlations with time.",
            "patients",
        )
    if results.has("cox") and len(results.table("cox")):
        deaths = int(results.table("cox")["events"].max())
        if deaths < _FEW_DEATHS:
            yield caution(
                f"Survival rests on {count(deaths, 'death')}: intervals are wide, and what does "
                "not hold here may still be there.",
                "survival",
            )


def _areas(results: Results) -> Iterator[Finding]:
    """Cox models of areas: proportional hazards, deaths for each term, and no estimate."""
    if results.has("cox") and len(results.table("cox")):
        cox = results.table("cox")
        yield from _changing(cox)
        yield from _crowded(cox)
        yield from _failed(cox)


def _changing(cox: pd.DataFrame) -> Iterator[Finding]:
    """Areas whose hazards are not proportional."""
    alone = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")]
    changing = alone[alone["ph_p"] < _LEVEL]
    if len(changing):
        parts = [f"{row['term']} (p {format_p(row['ph_p'])})" for row in records(changing)]
        yield caution(
            f"Hazards are not proportional for the area of {listed(parts)}: Schoenfeld test, "
            f"{len(changing):,} of {count(len(alone), 'area')}; {_size(changing)}. There a hazard "
            "ratio is an average over the follow-up: read the curves, or compare within periods.",
            "survival",
        )


def _crowded(cox: pd.DataFrame) -> Iterator[Finding]:
    """Models with few deaths for each of their terms."""
    adjusted = cox[cox["model"] != "univariable"].dropna(subset=["p"])
    each = adjusted.groupby("model", sort=False).agg(
        terms=("term", "size"), n=("n", "max"), events=("events", "max")
    )
    crowded = each[each["events"] < FEWEST_EVENTS * each["terms"]]
    if len(crowded):
        ranked = crowded.assign(share=crowded["events"] / crowded["terms"]).sort_values("share")
        worst = records(ranked)[0]
        yield caution(
            f"Fewer than {FEWEST_EVENTS} deaths for each term in {len(crowded):,} of "
            f"{count(len(each), 'model')} of an area with covariates (at worst "
            f"{count(int(worst['terms']), 'term')} on {count(int(worst['events']), 'death')}): "
            "such a model follows chance. Use fewer covariates.",
            "survival",
        )


def _failed(cox: pd.DataFrame) -> Iterator[Finding]:
    """Terms without an estimate, by the reason."""
    notes = cox.assign(note=cox["note"].fillna("") if "note" in cox else "")
    failed = notes[notes["p"].isna() & (notes["note"] != "")]
    if len(failed):
        parts = [
            f"{', '.join(dict.fromkeys(part['term'].astype(str)))}: {reason}"
            for reason, part in failed.groupby("note", sort=False)
        ]
        yield caution(
            f"No estimate by Cox's model for {listed(parts, between='; ')}. A dash there does not "
            "say that there is no effect.",
            "survival",
        )


def _size(rows: pd.DataFrame) -> str:
    """Patients and deaths of tests, the most of them."""
    patients, deaths = int(rows["n"].max()), int(rows["events"].max())
    return f"{count(patients, 'patient')}, {count(deaths, 'death')}"


def _small_groups(results: Results) -> Iterator[Finding]:
    """Groups of few patients, or in which nobody died."""
    for name, (what, see) in _GROUPS.items():
        if not results.has(name):
            continue
        rows = results.table(name)
        rows = rows[(rows["n"] > 0) & ((rows["n"] < _FEW_IN_GROUP) | (rows["events"] == 0))]
        several = "cohort" in rows and results.table(name)["cohort"].nunique() > 1
        parts = [
            f"{row[what]} {row['group']}"
            + (f" in {row['cohort']}" if several else "")
            + f" ({count(int(row['n']), 'patient')}, {count(int(row['events']), 'death')})"
            for row in records(rows)
        ]
        yield from caution_on(
            parts,
            f"Groups of fewer than {_FEW_IN_GROUP} patients or without a death, by {what}",
            "Their curves and hazard ratios say little, or have no end: merge levels, or state "
            "another limit beforehand.",
            see,
        )


def _models(results: Results) -> Iterator[Finding]:
    """Assumptions of the Cox models, and what their fits warned of."""
    if results.has("model_proportionality"):
        tests = results.table("model_proportionality")
        tests = tests[tests["transform"] == "km"] if len(tests) else tests
        changing = tests[tests["p"] < _LEVEL] if len(tests) else tests
        if len(changing):
            yield caution(
                f"Hazards are not proportional: {listed(_tests(changing, 'term'))}. Grambsch and "
                f"Therneau's test; {_size(changing)}. There a hazard ratio is an average over the "
                "follow-up: look at the residuals; make a categorical covariate a stratum.",
                "survival_models",
            )
    if results.has("model_forms") and len(results.table("model_forms")):
        forms = results.table("model_forms")
        bent = forms[forms["p"] < _LEVEL]
        if len(bent):
            yield caution(
                f"Effects are not straight lines: {listed(_tests(bent, 'score'))}. Likelihood-"
                f"ratio test of a spline; {_size(bent)}. There a hazard ratio holds on average, "
                "not for every step: read the curve.",
                "survival_models",
            )
    if results.has("model_tests"):
        noted = results.table("model_tests")
        noted = noted[noted["note"].fillna("") != ""]
        parts = [f"{row['model']}: {row['note']}" for row in records(noted)]
        yield from caution_on(
            parts,
            "Models to be read with care",
            "Expect them to do worse in others: use fewer covariates, or a penalty.",
            "survival_models",
            between="; ",
        )


def _tests(rows: pd.DataFrame, name: str) -> list[str]:
    """Covariate, model and p of tests."""
    return [
        f"{'all covariates at once' if row[name] == GLOBAL else row[name]} in {row['model']} "
        f"(p {format_p(row['p'])})"
        for row in records(rows)
    ]


def _reversed(results: Results) -> Iterator[Finding]:
    """Models by which those at the higher risk lived longer."""
    if not results.has("model_performance"):
        return
    measured = results.table("model_performance")
    turned = measured[measured["harrell_high"] < 0.5]
    parts = [
        f"{row['model']} in {row['cohort']} "
        f"{format_interval(row['harrell'], row['harrell_low'], row['harrell_high'])}"
        for row in records(turned)
    ]
    if parts:
        yield caution(
            f"Patients at the higher predicted risk lived longer: C-index of {listed(parts)}; "
            f"{_size(turned)}. Such a model must not be used as it stands.",
            "survival_models",
        )


def _clinical(results: Results) -> Iterator[Finding]:
    """Predictions of risk that are off once optimism is taken away, and what could not be had."""
    off, missing = [], []
    for path in results.paths("clinical"):
        if path.stem == "optimism":
            off += _miscalibrated(read_table(path))
        elif path.stem == "notes":
            notes = records(read_table(path))
            missing += [f"{path.parent.name}: {row['note']}" for row in notes]
    yield from caution_on(
        off,
        "Predicted risks are off after correction for optimism",
        f"A slope of 1 and an ICI of 0 are right; outside {_SLOPES[0]:g} to {_SLOPES[1]:g}, or "
        f"above {_ICI:g}, read no risk off the nomogram.",
        "clinical_use",
    )
    if missing:
        yield caution(
            "Too few patients, or not followed long enough, for part of the clinical evaluation: "
            f"{listed(list(dict.fromkeys(missing)), between='; ')}.",
            "clinical_use",
        )


def _miscalibrated(optimism: pd.DataFrame) -> list[str]:
    """Models whose corrected slope or ICI is off, in words."""
    if optimism.empty:
        return []
    value = optimism["corrected"]
    slope = (optimism["index"] == "slope") & ((value < _SLOPES[0]) | (value > _SLOPES[1]))
    ici = (optimism["index"] == "ici") & (value > _ICI)
    return [
        f"{row['model']} at {int(row['days']):,} days, "
        f"{'slope' if row['index'] == 'slope' else 'ICI'} {format_number(row['corrected'], 2)}"
        for row in records(optimism[slope | ici])
    ]
