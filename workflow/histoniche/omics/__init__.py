"""Expression: correlation, signatures, enrichment. Knows nothing of images."""
