"""Survival with a planted hazard, and the other columns of the sheet of patients."""

import numpy as np
import pandas as pd

from histoniche.demo.design import HAZARD_REGION, REGIONS, Design

HAZARD_RATIO_PER_SD = 2.5
"""Of the area of the hazard region."""

HAZARD_RATIO_PER_DECADE = 1.3
"""Of age."""

_MEDIAN_DAYS = 430
_SHAPE = 1.3
_AGE = 61
# Days from a patient's diagnosis to the end of the study, and mean days to being lost.
_FOLLOW_UP_DAYS = (800, 2800)
_LOSS_DAYS = 8000


def log_hazard(design: Design, areas: pd.DataFrame) -> "pd.Series[float]":
    """Log hazard of each patient, of the measured area of one region and of age.

    Parameters
    ----------
    design
        What is planted.
    areas
        Patients by regions, mm², as measured on the drawn sections.
    """
    area = areas[HAZARD_REGION]
    of_area = np.log(HAZARD_RATIO_PER_SD) * (area - area.mean()) / area.std()
    return of_area + np.log(HAZARD_RATIO_PER_DECADE) * (design.age - _AGE) / 10


def draw_patients(design: Design, areas: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Draw the sheet of patients.

    Times to death are Weibull with proportional hazards. The hazard grows with the measured
    area of one region and with age and with nothing else; how early a patient dies among
    equals is the design's `fate`, which is balanced against all areas.

    Parameters
    ----------
    design
        What is planted.
    areas
        Patients by regions, mm², as measured on the drawn sections.

    Returns
    -------
    patient, time (days), event, age, sex, mgmt.
    """
    count = len(areas)
    cumulative = -np.log1p(-design.fate) / np.log(2)
    death = _MEDIAN_DAYS * (cumulative * np.exp(-log_hazard(design, areas))) ** (1 / _SHAPE)
    lost = -_LOSS_DAYS * np.log1p(-_strata(count, random))
    shortest, longest = _FOLLOW_UP_DAYS
    end = np.minimum(shortest + (longest - shortest) * _strata(count, random), lost)
    return pd.DataFrame(
        {
            "patient": areas.index,
            "time": np.maximum(np.minimum(death, end).round(), 1).astype(int).to_numpy(),
            "event": (death <= end).astype(int).to_numpy(),
            "age": design.age.astype(int).to_numpy(),
            "sex": random.choice(["F", "M"], count, p=[0.42, 0.58]),
            "mgmt": random.choice(["methylated", "unmethylated"], count, p=[0.42, 0.58]),
        }
    )


def describe_hazard() -> dict[str, object]:
    """What is planted in survival: the region, its hazard ratio, and the regions without any."""
    return {
        "region": HAZARD_REGION,
        "hazard_ratio_per_sd": HAZARD_RATIO_PER_SD,
        "unplanted": [region for region in REGIONS if region != HAZARD_REGION],
    }


def _strata(count: int, random: np.random.Generator) -> np.ndarray:
    """Middles of `count` equal strata of (0, 1), shuffled."""
    return (random.permutation(count) + 0.5) / count
