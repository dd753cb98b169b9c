"""HistoNiche: maps of tumour regions, the genes of each region, and their link to survival."""

__version__ = "0.1.0"
