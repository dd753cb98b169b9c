"""Sentences on what a run found, made from its tables: effect, interval, p and q, and n."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.report.blocks import Finding
from histoniche.report.measures import compared, covariate_name
from histoniche.report.numbers import format_interval, format_number, format_p, percent
from histoniche.report.results import Results, records
from histoniche.report.risk_findings import risk_findings
from histoniche.report.sections.survival_models import independence
from histoniche.report.trait_findings import trait_findings
from histoniche.wording import count, join_words

_Q = 0.05
_MOST = 3


def findings(results: Results) -> list[Finding]:
    """The strongest findings of every stage that ran; where nothing holds, that."""
    return [
        *_survival(results),
        *islice(independence(results), _MOST),
        *_strata(results),
        *trait_findings(results),
        *risk_findings(results),
        *_signatures(results),
        *_enrichment(results),
    ]


def _survival(results: Results) -> Iterator[Finding]:
    """Areas that go with survival in a Cox model of their own, and whether adjustment matters."""
    if not results.has("cox"):
        return
    cox = results.table("cox")
    areas = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")].dropna(subset=["p"])
    if areas.empty:
        yield Finding("No Cox model of an area could be fitted.", "caution")
        return
    ranked = areas.sort_values(["q", "p"])
    sure = ranked[ranked["q"] < _Q].head(_MOST)
    for row in records(sure):
        direction = "shorter" if row["hazard_ratio"] > 1 else "longer"
        text = f"More {results.named(row['term'])} goes with {direction} survival: "
        text += f"{_hazard(results, row)}.{_adjusted(results, cox, row)}"
        text += _divided(results, str(row["term"]))
        yield Finding(text, "holds")
    if sure.empty:
        row = records(ranked)[0]
        yield Finding(
            f"No region's area is associated with survival after correction for "
            f"{count(len(areas), 'region')}. The nearest is {results.named(row['term'])}: "
            f"{_hazard(results, row)}.",
            "open",
        )


def _hazard(results: Results, row: dict[str, Any]) -> str:
    """Hazard ratio with everything needed to judge it."""
    level = percent(results.block("survival").get("confidence", 0.95))
    measure = results.block("areas").get("measure", "area_mm2")
    ratio = format_interval(row["hazard_ratio"], row["low"], row["high"])
    ratio = ratio.replace("(", f"({level} CI ")
    unit = compared("area", str(row["unit"]), measure)
    return (
        f"hazard ratio {ratio} {unit}, p {format_p(row['p'])}, q {format_p(row['q'])}; "
        f"{count(int(row['n']), 'patient')}, {count(int(row['events']), 'death')}"
    )


def _adjusted(results: Results, cox: pd.DataFrame, row: dict[str, Any]) -> str:
    """What becomes of an area's hazard ratio once the covariates are in the model."""
    model = cox[cox["model"] == f"multivariable: {row['term']}"]
    own = model[model["kind"] == "area"].to_dict("records")
    terms = model.loc[model["kind"] == "covariate", "term"].astype(str)
    covariates = list(dict.fromkeys(covariate_name(term) for term in terms))
    if not own or not covariates or pd.isna(own[0]["p"]):
        return ""
    ratio = format_interval(own[0]["hazard_ratio"], own[0]["low"], own[0]["high"])
    verdict = "It stays" if own[0]["low"] > 1 or own[0]["high"] < 1 else "It does not stay clear"
    return (
        f" {verdict} after adjustment for {join_words(covariates)}: {ratio}, "
        f"p {format_p(own[0]['p'])}, n {int(own[0]['n']):,}."
    )


def _divided(results: Results, region: str) -> str:
    """What the log-rank test of the two groups says, be it in favour or not."""
    if not results.has("groups"):
        return ""
    groups = results.table("groups")
    mine = records(groups[groups["region"] == region])
    if not mine or pd.isna(mine[0]["p"]):
        return ""
    return (
        f" Log-rank test of the groups up to and above {format_number(mine[0]['cut'])}: "
        f"p {format_p(mine[0]['p'])}, q {format_p(mine[0]['q'])}."
    )


def _strata(results: Results) -> Iterator[Finding]:
    """Mutations in whose carriers an area goes with the survival time."""
    if not results.has("area_correlation"):
        return
    links = results.table("area_correlation")
    links = links[(links["stratum"] != "all") & (links["outliers"] == "kept")].dropna(
        subset=["spearman_p"]
    )
    if links.empty:
        return
    # The table's q is over the regions of one stratum; whoever picks the best of all strata has
    # made all the tests.
    links = links.assign(q=false_discovery(links["spearman_p"].to_numpy(dtype=float)))
    ranked = links.sort_values(["q", "spearman_p"])
    sure = ranked[ranked["q"] < _Q].head(_MOST)
    for row in records(sure):
        direction = "shorter" if row["spearman_rho"] < 0 else "longer"
        yield Finding(
            f"{row['stratum']}: more {results.named(row['region'])} goes with {direction} "
            f"survival time, {_rho(row)}.",
            # The time of a patient still alive is only a lower bound of the survival time.
            "caution" if row["censored"] > 0 else "holds",
        )
    if sure.empty:
        row = records(ranked)[0]
        yield Finding(
            f"In none of {count(links['stratum'].nunique(), 'mutation stratum', 'mutation strata')}"
            " does an area correlate with survival time after correction. The nearest is "
            f"{results.named(row['region'])}, {row['stratum']}: {_rho(row)}.",
            "open",
        )


def _rho(row: dict[str, Any]) -> str:
    """Rank correlation with everything needed to judge it."""
    rho = format_interval(row["spearman_rho"], row["spearman_low"], row["spearman_high"])
    return (
        f"Spearman ρ {rho}, p {format_p(row['spearman_p'])}, q over all strata "
        f"{format_p(row['q'])}; n {int(row['n']):,}, {int(row['censored']):,} censored"
    )


def _signatures(results: Results) -> Iterator[Finding]:
    """The regions with most genes that hold after correction."""
    if not results.has("sizes"):
        return
    sizes = results.table("sizes")
    whole = sizes[sizes["signature"] == sizes["region"]]
    ranked = whole.sort_values("genes_q05", ascending=False, kind="stable")
    sure = ranked[ranked["genes_q05"] > 0].head(_MOST)
    parts = [
        f"{results.named(row['region'])} {row['genes_q05']:,} (of {row['genes']:,} that meet the "
        f"rule, {format_number(row['expected_by_chance'], 2)} expected by chance)"
        for row in records(sure)
    ]
    tested = f"{int(whole['tested'].max()):,}" if len(whole) else "0"
    measured = "a region's area" + (" or a score" if results.signed_scores() else "")
    if parts:
        yield Finding(
            f"Genes that rise with {measured} at q < 0.05, of {tested} tested: "
            f"{join_words(parts)}.",
            "holds",
        )
    else:
        yield Finding(
            f"None of {tested} genes rises with {measured} at q < 0.05; signatures by raw p hold "
            "what chance gives.",
            "open",
        )


def _enrichment(results: Results) -> Iterator[Finding]:
    """The gene sets with the smallest q, one a signature."""
    if not results.has("enrichment"):
        return
    terms = results.table("enrichment").sort_values(["q", "p", "term"])
    sure = terms[terms["q"] < _Q].drop_duplicates("signature").head(_MOST)
    parts = [
        f"{row['signature']} in {str(row['term']).replace('_', ' ')} ({row['overlap']} of "
        f"{row['set_size']} genes, odds ratio {format_number(row['odds_ratio'])}, "
        f"q {format_p(row['q'])})"
        for row in records(sure)
    ]
    if parts:
        yield Finding(f"Enriched: {join_words(parts)}.", "holds")
    else:
        yield Finding("No signature is enriched in a gene set at q < 0.05.", "open")
