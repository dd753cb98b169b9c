"""What was done with survival, in words, from the settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.report.numbers import join_words, percent
from histoniche.report.results import Results


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
