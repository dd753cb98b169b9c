"""The long table of the patients' scores, which stages hand on to each other."""

from typing import Any

DTYPES: dict[str, Any] = {"patient": object, "score": object, "kind": object, "value": "float64"}
"""Its columns; one row a patient and score."""

AREA, OWN, GENE, ACTIVITY, INDEX = "area", "score", "gene", "activity", "hti"
"""Kinds of scores: a region's area, what a study brings along or networks give, the expression of
a gene, the activity of a gene set, and the index of heterogeneity."""
