"""Sections of the summary page, one module a stage."""
