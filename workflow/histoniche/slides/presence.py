"""Slides that come and go."""

from pathlib import Path

from histoniche.errors import InputError


def check_here(slide: Path) -> None:
    """A slide that is gone is no bad slide: nothing can be said of it.

    Raises
    ------
    InputError
        If the file is missing. The sheet was checked when the run began, so that it is one that
        is fetched, worked on and removed again.
    """
    if not slide.exists():
        raise InputError(
            "the slide is wanted again and was removed (sources.keep_slides: false)",
            file=slide,
            remedy="run histoniche stream --config FILE -- --cores all, which fetches it anew",
        )
