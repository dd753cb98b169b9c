"""Which patients the accuracy of a segmentation is reported for."""

import pandas as pd

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
