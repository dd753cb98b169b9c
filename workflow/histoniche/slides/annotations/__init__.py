"""Annotations: where a person drew the regions, read as label tiles."""
