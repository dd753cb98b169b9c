"""What was done with survival beyond areas one by one, in words, from the settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.report.numbers import percent
from histoniche.report.results import Results, records
from histoniche.report.survival_words import limits_in_words, score_in_words
from histoniche.survival.stated_groups import COMPARISON
from histoniche.wording import join_words


def curves_methods(results: Results) -> Iterator[str]:
    """Groups by scores, stated limits and covariates, and the scan of all genes."""
    if results.has("cut_points"):
        yield _groups(results)
    if results.has("stated_groups"):
        yield _stated(results)
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


def _stated(results: Results) -> str:
    """Which limits were stated in advance."""
    rows = records(results.table("stated_groups").drop_duplicates([*COMPARISON]))
    measure, regions = results.block("areas").get("measure", ""), results.region_names()
    names = [score_in_words(row["score"], row["kind"], regions) for row in rows]
    limits = [limits_in_words(row, measure=measure) for row in rows]
    listed = "; ".join(f"{name} {words}" for name, words in zip(names, limits, strict=True))
    return (
        "By limits stated in advance, the same in every cohort, survival was compared in the same "
        f"manner: {listed}. Patients between two limits were left out; q after "
        "Benjamini-Hochberg over these comparisons of a cohort."
    )


def models_methods(results: Results) -> Iterator[str]:
    """State how Cox models were fitted, measured and checked."""
    if not results.has("model_performance"):
        return
    settings = results.block("survival_models")
    level = percent(results.block("survival").get("confidence", 0.95))
    models = [_model(name, entry) for name, entry in settings["models"].items()]
    years = [f"{year:g}" for year in settings["years"]]
    yield (
        f"Cox models (Efron's ties) were fitted to the training cohort: {'; '.join(models)}. "
        "Scores entered per standard deviation, and only patients in whom all covariates and "
        "scores of all models are known took part. The models were applied unchanged to every "
        "cohort and measured by Harrell's concordance and Uno's, their differences by paired "
        f"tests, the cumulative/dynamic AUC and the Brier score at {join_words(years)} years, "
        "weighted by the inverse probability of censoring, and the Brier score integrated up to "
        f"{max(settings['years']):g} years ({level} intervals: bootstrap of "
        f"{settings['bootstraps']:,} samples for the Brier scores, else normal). Nested models "
        "were compared by the likelihood-ratio test in the training cohort. A higher predicted "
        "risk means earlier death; its sign is that of the training."
    )
    yield (
        "Proportional hazards were tested after Grambsch and Therneau with time by Kaplan-Meier, "
        f"the form of numeric effects by restricted cubic splines of {settings['knots']} knots "
        "against the straight line."
    )


def _model(name: str, entry: Mapping[str, Any]) -> str:
    """A model with what it is made of."""
    text = f"{name} of {join_words(list(entry['covariates']))}"
    if entry["strata"]:
        text += f", stratified by {join_words(list(entry['strata']))}"
    if entry["penalty"]:
        text += f", elastic net of strength {entry['penalty']:g} with a share of "
        text += f"{percent(entry['l1_ratio'])} lasso"
    return text


def clinical_methods(results: Results) -> Iterator[str]:
    """State how scores were weighed against clinical covariates."""
    if not results.paths("clinical"):
        return
    settings, survival = results.block("clinical_use"), results.block("survival")
    declared = list(results.block("cohort").get("covariates", {}))
    covariates = join_words(list(settings.get("covariates", declared)))
    years = join_words([f"{year:g}" for year in settings["years"]])
    cuts = join_words([percent(cut) for cut in settings["cuts"]])
    yield (
        f"Clinical use of {join_words(list(settings['scores']))}: Cox models (Efron's ties) of "
        f"{covariates} with and without the score, fitted to the training cohort's patients in "
        "whom all is known and drawn as nomograms; risk of dying after "
        f"{years} years. Calibration: groups against Kaplan-Meier, and a restricted cubic spline "
        "of the predicted log hazard (Austin et al. 2020). Optimism by Harrell's bootstrap, the "
        f"models refitted in {settings['bootstraps']:,} samples. NRI by categories divided at "
        f"{cuts} and continuous for censored data (Pencina et al. 2011), IDI weighted by the "
        "probability of being censored (Uno et al. 2013), decision curves for censored data "
        "(Vickers et al. 2008), likelihood-ratio test and AIC of the nested models; Harrell's "
        f"C-index. Intervals: {percent(survival['confidence'])}, bootstrap percentiles but for the "
        "C-index's, by the jackknife."
    )
