"""Traits: labels of slides, networks that find them, heat maps, cartography, heterogeneity."""
