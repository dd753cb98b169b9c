"""Viewer: finished results in a browser, straight from the files that a run left behind."""
