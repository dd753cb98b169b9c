"""Slides: readers, resolution, tissue, quality, tiling and the tile store."""
