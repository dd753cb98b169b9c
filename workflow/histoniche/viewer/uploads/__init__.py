"""Uploads: slides that people send, run through the workflow with a study's finished models."""
