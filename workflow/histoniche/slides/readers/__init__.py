"""Readers: one small interface to whole-slide images, and one module a way to read them."""
