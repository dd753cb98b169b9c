"""Keys of the block `survival_curves` that do not go together, or with the covariates."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.cohort.problem import Problem
from histoniche.cohort.schemas import nearest


def curve_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Covariates that make no groups or strata, orders of nothing, and rules not said in full."""
    if "survival_curves" not in config:
        return
    curves, covariates = config["survival_curves"], config["cohort"]["covariates"]
    for key in ("groups", "strata"):
        place = f"survival_curves.{key}"
        for name in curves[key]:
            if name not in covariates:
                remedy = nearest(name, covariates) if covariates else "declare it under cohort"
                yield Problem(place, "no such covariate", remedy, name)
            elif covariates[name]["type"] != "categorical":
                yield Problem(place, f"its values make no {key}", "name a categorical one", name)
    for name in curves["strata"]:
        if name in curves["groups"]:
            problem = "its levels cannot be compared within its levels"
            yield Problem("survival_curves.strata", problem, "name it in one place only", name)
    for name in curves["orders"]:
        if name not in curves["groups"]:
            remedy = "name the covariate under groups, or leave the order out"
            yield Problem(f"survival_curves.orders.{name}", "not among groups", remedy)
    yield from _stated_problems(curves["stated"])
    cut = curves["cut"]
    for key in ("quantile", "value"):
        place = f"survival_curves.cut.{key}"
        if cut["rule"] == key and key not in cut:
            yield Problem(place, f"the rule {key} needs it", "write it")
        elif cut["rule"] != key and key in cut:
            remedy = f"write rule: {key}, or leave it out"
            yield Problem(place, f"the rule {cut['rule']} has no use for it", remedy, cut[key])


def _stated_problems(stated: Mapping[str, Any]) -> Iterator[Problem]:
    """Scores without limits, and limits that overlap."""
    for name, pairs in stated.items():
        place = f"survival_curves.stated.{name}"
        if not pairs:
            remedy = "write [[0.5, 0.5]], say, or leave the score out"
            yield Problem(place, "no limits are stated for this score", remedy)
        for up_to, above in pairs:
            # Turned round, so that what is not a number is refused too.
            if not up_to <= above:
                remedy = "write [up to, above], say [0.3, 0.7]"
                yield Problem(place, "greater limit first", remedy, [up_to, above])
