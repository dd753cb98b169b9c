"""Sheets, ids, palettes, splits and the leakage audit."""
