"""Reproduction: a study run again from its bundle, and its tables compared."""
