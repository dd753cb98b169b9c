"""What was done to find the gene sets behind a score, in words, from the settings."""

from collections.abc import Iterator
from typing import Any

from histoniche.omics.comparisons import BY_SURVIVAL, differing_in_words, tested_in_words
from histoniche.report.numbers import percent
from histoniche.report.results import Results
from histoniche.wording import join_words


def pathway_methods(results: Results) -> Iterator[str]:
    """State how gene sets were chosen, correlated, summed up and carried to other cohorts."""
    if not results.has("pathway_correlation", "pathway_groups"):
        return
    settings = results.block("pathways")
    name = settings["comparison"]
    rule = results.block("comparisons")[name]
    level = percent(results.block("survival").get("confidence", 0.95))
    method = {"gsva": "GSVA (gaussian kernel)", "ssgsea": "single-sample GSEA"}[settings["method"]]
    unit = str(results.block("expression").get("unit", "counts"))
    yield (
        f"Gene sets behind {rule['score']}: patients above and up to {cut_in_words(rule)} were "
        f"compared by {tested_in_words(unit)}; genes with "
        f"{differing_in_words(**settings['differing'])}, up and down apart, were tested against "
        f"gene sets of {settings['min_size']} to {settings['max_size']} genes (hypergeometric "
        f"test, q < {settings['q']:g} within direction and library). The activity of each "
        f"enriched set by {method} of log2(expression + 1), or of the logarithms brought along, "
        "over all patients with expression, was correlated with the score (Pearson, "
        f"{level} intervals by Fisher's z, Benjamini-Hochberg over all enriched sets, "
        f"q < {settings['correlation_q']:g})."
    )
    yield f"{_mean(settings)} {_carried(settings)}"


def cut_in_words(rule: dict[str, Any]) -> str:
    """Where a comparison cuts its score."""
    if rule["cut"] == BY_SURVIVAL:
        return "its cut-point by survival in the training cohort"
    return "its median" if rule["cut"] == 0.5 else f"its {percent(rule['cut'])} quantile"


def _mean(settings: dict[str, Any]) -> str:
    """How the genes of the sets became one number."""
    signs = (
        "those of sets that go against the score negatively, those of both kinds not at all"
        if settings["signed"]
        else "all alike, whichever way their set goes along with the score"
    )
    return (
        "The genes of these sets were averaged over their log2 expression, each in standard "
        f"deviations from its mean in the cohort {settings['found_in']}, {signs}."
    )


def _carried(settings: dict[str, Any]) -> str:
    """Where the cut-point was found and applied."""
    cut = settings["cut"]
    found = {
        "median": "at the median",
        "maximal": "where the log-rank statistic is largest, with at least "
        f"{percent(cut['min_share'])} of the patients on either side, p corrected for the search",
    }[cut["rule"]]
    scales = {"own": "their own", "training": "the study's"}
    each = [
        f"{name} (genes by {scales[cohort['normalise']]} means and deviations)"
        for name, cohort in settings["cohorts"].items()
    ]
    where = f", {join_words(each)}" if each else ""
    return (
        f"The cut-point of that mean was found in the cohort {settings['found_in']}, {found}, and "
        f"applied unchanged to every other cohort{where}: Kaplan-Meier, log-rank test, Cox's "
        "hazard ratio, q over the tested cohorts. On a cohort's own scale its mean patient is 0 "
        "by construction, so that the cut tells who is high within it and not between cohorts."
    )
