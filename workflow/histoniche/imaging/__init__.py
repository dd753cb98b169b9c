"""Diffusion MRI: from maps of a tumour to a signature of risk."""
