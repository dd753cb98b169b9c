"""The likelihood-ratio test of two Cox models, one of which holds all of the other."""

from typing import NamedTuple

from histoniche.errors import InputError
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.estimation import chi_squared


class Nested(NamedTuple):
    """Likelihood-ratio test of two nested Cox models."""

    chi2: float
    df: int
    p: float
    """Small where the terms added explain more than chance does."""
    aic: float
    """AIC of the new model less that of the old: below 0 speaks for the new one."""
    n: int
    events: int


def compare_nested(old: CoxModel, new: CoxModel) -> Nested:
    """Test whether the covariates added to a model improve it.

    This is the test of added value. An NRI or IDI above 0 in the patients that the
    models were fitted on is none: it comes out so of a random score too.

    Raises
    ------
    InputError
        If the models were fitted on different patients, or the old one is not part of
        the new one.

    References
    ----------
    Pepe, Kerr, Longton and Wang 2013, Stat Med 32:1467-1482.
    """
    if set(old.patients) != set(new.patients):
        raise InputError(
            f"the models were fitted on different patients ({old.n} and {new.n})",
            remedy="fit both on the patients in whom all covariates of the new one are known",
        )
    names = {covariate.name for covariate in new.covariates}
    alone = [covariate.name for covariate in old.covariates if covariate.name not in names]
    df = len(new.coefficients) - len(old.coefficients)
    other = (old.strata, old.penalty) != (new.strata, new.penalty) or old.penalty is not None
    if alone or df < 1 or other:
        value = ", ".join(alone) or None
        remedy = "add covariates to the old model, take none away, and let strata be; no penalty"
        raise InputError("the old model is not part of the new one", value=value, remedy=remedy)
    test = chi_squared(max(0.0, 2 * (new.log_likelihood - old.log_likelihood)), df)
    return Nested(test.chi2, df, test.p, new.aic - old.aic, new.n, new.events)


def is_part_of(old: CoxModel, new: CoxModel) -> bool:
    """Whether a model is another one without some of its covariates, which can be tested."""
    names = [{covariate.name for covariate in model.covariates} for model in (old, new)]
    unpenalised = old.penalty is None and new.penalty is None
    same = old.strata == new.strata and old.patients == new.patients
    return unpenalised and same and names[0] < names[1]
