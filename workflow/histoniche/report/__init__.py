"""Figures, the summary page and the sealed bundle."""
