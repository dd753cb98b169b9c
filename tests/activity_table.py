"""Activities of gene sets as a job writes them, by chance alone."""

import numpy as np
import pandas as pd

PATIENTS = [f"P{i}" for i in range(30)]


def activities(terms: int = 6, seed: int = 0) -> pd.DataFrame:
    """Activities of so many gene sets of two libraries in all patients."""
    rng = np.random.default_rng(seed)
    rows = [
        (patient, library, f"S{k}", "gsva", rng.normal(), 10 + k)
        for patient in PATIENTS
        for library in ("one", "two")
        for k in range(terms)
    ]
    columns = ["patient", "library", "term", "method", "activity", "size"]
    return pd.DataFrame(rows, columns=columns)
