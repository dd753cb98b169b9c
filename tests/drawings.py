"""Reading a figure back: what it says, and whether its picture and its table are there."""

import re
from pathlib import Path

import pandas as pd


def words(path: Path) -> str:
    """Everything that a drawing says; the picture and the table are there too."""
    assert whole(path)
    text = path.read_text(encoding="utf-8")
    return " ".join(re.sub(r"\s+", " ", part) for part in re.findall(r">([^<>]+)</t", text))


def whole(*paths: Path) -> bool:
    """Whether each drawing, with its picture and its table, has any content."""
    return all(p.with_suffix(e).stat().st_size > 0 for p in paths for e in (".svg", ".png", ".tsv"))


def beside(path: Path) -> pd.DataFrame:
    """The table beside a drawing."""
    return pd.read_csv(path.with_suffix(".tsv"), sep="\t")
