"""Figures, one module a stage."""
