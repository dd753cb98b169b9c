"""What was done with survival beyond areas one by one, in words, from the settings."""

from collections.abc import Iterator

from histoniche.report.numbers import join_words, percent
from histoniche.report.results import Results


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
