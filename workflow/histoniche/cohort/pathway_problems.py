"""Comparisons that are cut by survival, and keys of the block `pathways` that do not fit them."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.cohort.problem import Problem
from histoniche.cohort.schemas import nearest

BY_SURVIVAL = "survival"
"""What `comparisons.NAME.cut` says for the cut-point of the block `survival_curves`."""


def cut_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Comparisons by a cut-point that survival does not look for."""
    for name, rule in config.get("comparisons", {}).items():
        if rule["cut"] != BY_SURVIVAL:
            continue
        place = f"comparisons.{name}.cut"
        if "score" not in rule:
            yield Problem(place, "this comparison has no score", "leave cut out", BY_SURVIVAL)
        elif "survival_curves" not in config:
            remedy = "add it, or give a quantile"
            yield Problem("survival_curves", f"{place} needs its cut-points", remedy)
        else:
            named = config["survival_curves"]["scores"]
            if named and rule["score"] not in named:
                problem = "survival_curves.scores does not name it, so that it has no cut-point"
                yield Problem(place, problem, "name it there, or give a quantile", rule["score"])


def pathway_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """A comparison without a score, no gene sets, and sizes that leave none."""
    if "pathways" not in config:
        return
    pathways, comparisons = config["pathways"], config.get("comparisons", {})
    name = pathways["comparison"]
    if name not in comparisons:
        remedy = nearest(name, comparisons) if comparisons else "describe it under comparisons"
        yield Problem("pathways.comparison", "no such comparison", remedy, name)
        return
    score = comparisons[name].get("score")
    if score is None:
        remedy = "name a comparison that a score divides"
        yield Problem("pathways.comparison", "this comparison has no score", remedy, name)
    elif pathways.get("score", score) != score:
        remedy = f"write {score}, or leave it out"
        problem = f"the comparison {name} divides the patients by another score"
        yield Problem("pathways.score", problem, remedy, pathways["score"])
    if "gene_sets" not in pathways and "enrichment" not in config:
        remedy = "name a GMT file there, or add the block enrichment"
        yield Problem("pathways.gene_sets", "there are no gene sets", remedy)
    if pathways["min_size"] > pathways["max_size"]:
        yield Problem("pathways.min_size", "greater than max_size", "make it smaller")
    yield from _cohort_problems(pathways["cohorts"])


def _cohort_problems(cohorts: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """External cohorts whose two tables are one file."""
    for name, cohort in cohorts.items():
        if cohort["expression"] == cohort["patients"]:
            problem = "the same file holds expression and follow-up"
            remedy = "give a table of genes by patients, and a sheet of patients"
            yield Problem(f"pathways.cohorts.{name}.patients", problem, remedy, cohort["patients"])
