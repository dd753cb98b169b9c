"""Sentences of the methods section on survival beyond the areas."""

from collections.abc import Iterator

from histoniche.report.numbers import join_words
from histoniche.report.results import Results


def curves_methods(results: Results) -> Iterator[str]:
    """Groups by scores and covariates, and the scan of all genes."""
    if results.has("cut_points"):
        yield _groups(results)
    scans = results.block("gene_survival")
    ran = [test for test in ("cox", "log_rank") if results.has(f"genes_{test}")]
    tests = {
        "cox": "by Cox's regression (Efron's ties, Wald's test, per standard deviation)",
        "log_rank": "by the log-rank test above against up to its quantile "
        f"{scans.get('quantile', 0.5):g}",
    }
    if ran:
        yield (
            "Every gene was set against survival alone in the training cohort, "
            f"{join_words([tests[test] for test in ran])}; q after Benjamini-Hochberg over the "
            "genes. Genes that separate the patients, or whose fit did not settle, have no "
            "estimate and are flagged."
        )


def _groups(results: Results) -> str:
    """How patients were divided and compared."""
    settings = results.block("survival_curves")
    cut = settings["cut"]
    rule = {
        "median": "at the median",
        "quantile": f"at the quantile {cut.get('quantile')}",
        "value": f"at {cut.get('value')}",
        "maximal": "where the log-rank statistic is largest, with at least "
        f"{cut['min_share']:g} of the patients on either side, p corrected for the search after "
        "Lausen and Schumacher 1992"
        + (f" and by {cut['permutations']:,} permutations" if cut["permutations"] else ""),
    }[cut["rule"]]
    weights = "log-rank tests"
    if settings["rho"] or settings["gamma"]:
        weights = (
            f"weighted log-rank tests (Fleming-Harrington, ρ {settings['rho']:g}, "
            f"γ {settings['gamma']:g})"
        )
    strata = f", stratified by {join_words(settings['strata'])}" if settings["strata"] else ""
    searched = cut["rule"] == "maximal" and (weights != "log-rank tests" or strata)
    plain = " The search itself knew neither weights nor strata." if searched else ""
    return (
        f"Scores divided the patients {rule}, found in the training cohort and then kept; survival "
        f"was compared by {weights}{strata}, Kaplan-Meier curves with {settings['bands']} "
        "intervals, medians after Brookmeyer and Crowley, follow-up by reverse Kaplan-Meier, and "
        f"Cox's hazard ratio of two groups.{plain}"
    )
