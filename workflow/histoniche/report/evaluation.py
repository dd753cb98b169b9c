"""What is evaluated, in words: whose accuracy, and which network."""

import pandas as pd

from histoniche.cohort.palette import JOINT

ROLE_NAMES = {
    "test": "test patient",
    "validation": "validation patient",
    "train": "training patient",
    "apply": "patient without a role in training",
}
"""Role of a patient in training, in words (singular)."""

# Accuracy on training patients is never reported as accuracy.
_HELD_OUT = ("test", "apply", "validation")


def best_role(metrics: pd.DataFrame) -> str | None:
    """Role whose accuracy is reported: test, else without a role, else validation, else None."""
    roles = set(metrics["role"]) if "role" in metrics else set()
    return next((role for role in _HELD_OUT if role in roles), None)


def found_by(head: str) -> str:
    """What the network of a head finds, in words: "all regions", or "CT"."""
    return "all regions" if head == JOINT else head
