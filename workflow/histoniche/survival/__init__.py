"""Survival of patients by any score. Knows nothing of where a score came from."""
