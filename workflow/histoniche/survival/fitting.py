"""The job that compares groups and fits Cox models."""

import logging
from collections.abc import Sequence
from pathlib import Path

from histoniche.survival.cohort import read_follow_up
from histoniche.survival.cohorts import TRAINING, patients_in, read_cohorts
from histoniche.survival.cox import fit_cox
from histoniche.survival.groups import compare_groups
from histoniche.survival.terms import Declared, check_references
from histoniche.tables import write_table


def fit_survival(
    patients: Path,
    areas: Path,
    *,
    groups: Path,
    curves: Path,
    cox: Path,
    declared: Declared,
    regions: Sequence[str],
    cut: float,
    confidence: float,
    covariates: Sequence[str] | None = None,
    cohorts: Path | None = None,
) -> None:
    """Study survival by region area and covariates.

    Parameters
    ----------
    patients, areas
        See `histoniche.survival.cohort.read_follow_up`.
    groups, curves
        Written: see `histoniche.survival.groups.compare_groups`.
    cox
        Written: see `histoniche.survival.cox.fit_cox`.
    declared
        What the covariates' columns mean.
    regions
        Regions that are studied; all if empty.
    cut
        Quantile of the area that divides low from high.
    confidence
        Level of every interval.
    covariates
        Covariates that are used; all declared ones if None.
    cohorts
        patient, cohort: only the training cohort is looked at, so that the others can
        still test what is found here. All patients if None.
    """
    training = patients_in(read_cohorts(cohorts), TRAINING) if cohorts else None
    followed = read_follow_up(patients, areas, regions=regions, among=training)
    names = list(declared) if covariates is None else list(covariates)
    check_references(followed.patients, declared, names)
    table, steps = compare_groups(followed.patients, followed.areas, cut=cut, confidence=confidence)
    write_table(table, groups)
    write_table(steps, curves)
    models = fit_cox(
        followed.patients,
        followed.areas,
        declared=declared,
        covariates=names,
        confidence=confidence,
    )
    write_table(models, cox)
    for row in models[models["note"] != ""].itertuples():
        logging.warning("%s, %s: %s", row.model, row.term, row.note)
    logging.info("%d patients, %d deaths", len(followed.patients), followed.patients["event"].sum())
