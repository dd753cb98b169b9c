"""Traits: what networks tell of each tile, and how it is spread over a slide."""
