"""What a Cox model is fitted to, as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.survival.cox_model import stratum_names
from histoniche.survival.partial_likelihood import Floats, Ints
from histoniche.survival.terms import Covariate


class ModelData(NamedTuple):
    """What a model is fitted to, as arrays over the patients in whom all is known."""

    times: Floats
    events: NDArray[np.bool_]
    design: Floats
    strata: Ints | None
    names: "pd.Series[str]"
    """Name of each patient's stratum."""


def model_data(
    complete: pd.DataFrame, learnt: Sequence[Covariate], strata: Sequence[str]
) -> ModelData:
    """Patients as arrays: columns of the covariates in their order, strata numbered."""
    names = stratum_names(complete, strata)
    parts = [np.empty((len(complete), 0))]
    parts += [covariate.encode(complete).to_numpy(dtype="float64") for covariate in learnt]
    return ModelData(
        complete["time_days"].to_numpy(dtype="float64"),
        complete["event"].to_numpy(dtype="float64") == 1,
        np.asarray(np.column_stack(parts), dtype=np.float64),
        np.unique(names, return_inverse=True)[1].astype(np.intp) if strata else None,
        names,
    )


def term_columns(learnt: Sequence[Covariate]) -> dict[str, list[int]]:
    """Places of each covariate's columns in the design."""
    places, start = {}, 0
    for covariate in learnt:
        width = len(covariate.columns())
        places[covariate.name] = list(range(start, start + width))
        start += width
    return places
