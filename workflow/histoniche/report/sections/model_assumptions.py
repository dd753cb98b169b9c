"""Part of the section on models: proportional hazards, and the form of numeric effects."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from histoniche.report.blocks import Block, Heading, Paragraph, Picture, Table, table
from histoniche.report.numbers import format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.survival.proportionality import GLOBAL
from histoniche.wording import count

_LEVEL = 0.05


def assumption_blocks(results: Results) -> list[Block]:
    """Report what the models take for granted; nothing where it was not tested."""
    if not results.has("model_proportionality", "model_forms"):
        return []
    tests, forms = results.table("model_proportionality"), results.table("model_forms")
    blocks: list[Block] = [Heading("What the models take for granted")]
    if tests.empty:
        text = "Nothing could be tested: no model without a penalty was fitted."
        return [*blocks, Paragraph(text, "muted")]
    tests = tests[tests["transform"] == "km"]
    models = list(tests["model"].unique())
    blocks += [
        Paragraph(
            "A Cox model takes each hazard ratio to be the same at all times, and the log hazard "
            "to rise or fall with a number along a straight line. Both are tested in the training "
            "cohort. A test that finds nothing in few deaths does not show that it is so."
        ),
        *_pictures(results, "schoenfeld", models, "Hazard ratios over time", _SCHOENFELD),
        _proportionality(tests),
        _changing(tests),
        *_pictures(results, "functional_form", models, "Form of the effects", _FORM),
    ]
    if len(forms):
        blocks += [_forms(forms), *_bent(forms)]
    return blocks


_SCHOENFELD = "A line that leaves the dashed one: the ratio changes over time."
_FORM = "A curve that leaves the dashed line: the effect is not straight."


def _pictures(
    results: Results, stem: str, models: Sequence[str], title: str, caption: str
) -> list[Picture]:
    """The figure of each model that was tested."""
    return [
        picture
        for model in models
        for picture in picture_of(results, f"{stem}_{model}", f"{title}: {model}", caption)
    ]


def _proportionality(tests: pd.DataFrame) -> Table:
    """Test of every covariate, and of all covariates of a model at once."""
    rows = [
        (
            str(row["model"]),
            "all at once" if row["term"] == GLOBAL else str(row["term"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            f"{format_number(row['chi2'])} ({int(row['df'])})",
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(tests)
    ]
    heads = ("model", "covariate", ">n / deaths", ">χ² (df)", ">p", ">q")
    note = (
        "Grambsch and Therneau's test with time by Kaplan-Meier; other transforms stand in "
        "survival/model_proportionality.tsv. q: over the covariates of all models."
    )
    return table("Tests of proportional hazards", heads, rows, note)


def _changing(tests: pd.DataFrame) -> Paragraph:
    """A caution where hazards are not proportional; else what was seen, in words."""
    changing = tests[tests["p"] < _LEVEL]
    if changing.empty:
        deaths = count(int(tests["events"].max()), "death")
        return Paragraph(
            f"No test speaks against proportional hazards (smallest p {format_p(tests['p'].min())}"
            f", {deaths})."
        )
    return Paragraph(
        f"Hazards are not proportional over time: {_listed(changing, 'term')}. There a hazard "
        "ratio is an average over the follow-up. Look at the residuals; a categorical covariate "
        "can be made a stratum.",
        "caution",
    )


def _forms(forms: pd.DataFrame) -> Table:
    """Spline against the straight line, of every numeric covariate."""
    noted = bool((forms["note"] != "").any())
    rows = [
        (
            str(row["model"]),
            str(row["score"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            format_p(row["p"]),
            format_p(row["q"]),
            format_p(row["score_p"]),
            format_number(row["linear_aic"], 4),
            format_number(row["spline_aic"], 4),
            *((str(row["note"]),) if noted else ()),
        )
        for row in records(forms)
    ]
    heads = [
        *("model", "covariate", ">n / deaths", ">p of the bend", ">q", ">p with the bend"),
        *(">AIC, line", ">AIC, spline", *(("note",) if noted else ())),
    ]
    knots = int(forms["knots"].max())
    note = (
        f"Likelihood-ratio test of a restricted cubic spline of up to {knots} knots against the "
        "line, beside the other covariates. p with the bend: of the covariate as a whole, spline "
        "included."
    )
    return table("Form of the numeric effects", heads, rows, note)


def _bent(forms: pd.DataFrame) -> list[Block]:
    """A caution for effects that are not straight."""
    bent = forms[forms["p"] < _LEVEL]
    if bent.empty:
        return []
    text = (
        f"Effects that are not straight: {_listed(bent, 'score')}. There a hazard ratio holds on "
        "average, not for every step."
    )
    return [Paragraph(text, "caution")]


def _listed(tests: pd.DataFrame, name: str) -> str:
    """Covariates with the tests that are small."""
    return "; ".join(_one(row, name) for row in records(tests))


def _one(row: dict[str, Any], name: str) -> str:
    """One covariate, or all of a model at once, with p and q."""
    what = "all covariates at once" if row[name] == GLOBAL else str(row[name])
    q = "" if pd.isna(row["q"]) else f", q {format_p(row['q'])}"
    return f"{what} in {row['model']} (p {format_p(row['p'])}{q})"
