"""Cohorts from elsewhere, on another platform: one in which the hazard is planted, one without."""

import numpy as np
import pandas as pd

from histoniche.demo.clinical import HAZARD_RATIO_PER_SD
from histoniche.demo.design import HAZARD_REGION

COHORTS = {"planted": True, "unplanted": False}
"""Whether survival depends on the genes of the hazard region, by the cohort's name."""

PATIENTS = 90

_NULL_GENES = 200
_MEDIAN_DAYS = 500
_SHAPE = 1.2
_LAST_DAYS = (700, 2600)
# Log2 intensities of an array: level of a gene, its noise, and its rise with the region.
_LEVEL, _LEVEL_SD, _NOISE_SD = 8.0, 1.5, 0.7
_SLOPE = (0.4, 0.9)
# Of the region's genes, one in so many is not on the array.
_ABSENT = 10


def draw_external(
    genes: "pd.Series[str]", name: str, random: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw one external cohort.

    Parameters
    ----------
    genes
        Region of each gene, from `histoniche.demo.molecular.name_genes`.
    name
        One of `COHORTS`.
    random
        Draws everything.

    Returns
    -------
    Log2 expression of the hazard region's genes and some others, genes by patients; and patient,
    time (days), event. The region's genes rise with something that is hidden; where the hazard is
    planted, it grows with that by as much as in the demo cohort.
    """
    patients = [f"E{name[0].upper()}{number:03d}" for number in range(1, PATIENTS + 1)]
    hidden = random.standard_normal(PATIENTS)
    own = genes.index[genes == HAZARD_REGION].to_numpy(str)
    own = np.sort(own)[: len(own) - len(own) // _ABSENT]
    null = random.choice(genes.index[genes == ""].to_numpy(str), _NULL_GENES, replace=False)
    names = [*own, *null]
    slope = np.zeros(len(names))
    slope[: len(own)] = random.uniform(*_SLOPE, len(own))
    level = random.normal(_LEVEL, _LEVEL_SD, (len(names), 1))
    noise = random.normal(0, _NOISE_SD, (len(names), PATIENTS))
    values = pd.DataFrame(level + slope[:, None] * hidden + noise, names, patients)
    log_hazard = np.log(HAZARD_RATIO_PER_SD) * hidden if COHORTS[name] else np.zeros(PATIENTS)
    cumulative = random.exponential(1 / np.log(2), PATIENTS) * np.exp(-log_hazard)
    death = _MEDIAN_DAYS * cumulative ** (1 / _SHAPE)
    end = random.uniform(*_LAST_DAYS, PATIENTS)
    followed = pd.DataFrame(
        {
            "patient": patients,
            "time": np.maximum(np.minimum(death, end).round(), 1).astype(int),
            "event": (death <= end).astype(int),
        }
    )
    return values.round(3).sort_index().rename_axis("gene"), followed
