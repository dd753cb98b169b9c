"""Traits of slides by their tiles: labels, votes, scores, cartographies and heterogeneity."""
