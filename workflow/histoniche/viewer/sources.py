"""Where the slides of a run lie: the sheet that its configuration names."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.places import fill_in_paths
from histoniche.cohort.schemas import read_schema
from histoniche.cohort.sheet_cells import read_sheet
from histoniche.errors import InputError


class SlideFile(NamedTuple):
    """A slide's file, and its µm per pixel as the sheet states it."""

    path: Path
    mpp: float | None


class Sources(NamedTuple):
    """What the configuration of a run tells the viewer."""

    title: str
    files: dict[str, SlideFile]


def find_config(results: Path, folder: Path) -> Path | None:
    """The configuration in `folder` whose results lie in `results`; None if there is none.

    Parameters
    ----------
    results
        Results of a run.
    folder
        Folder of configurations, whose paths start from its parent.

    Raises
    ------
    InputError
        If several fit.
    """
    wanted = results.resolve()
    usual = read_schema("config")["properties"]["results"]["default"]
    fitting = [
        path
        for path in sorted(folder.glob("*.yaml"))
        if "cohort" in (content := _loaded(path))
        and isinstance(place := content.get("results", usual), str)
        and (folder.parent / place).resolve() == wanted
    ]
    if len(fitting) > 1:
        names = " and ".join(path.name for path in fitting)
        raise InputError(
            f"{names} both say that their results lie here",
            file=results,
            remedy="name the one that was run with --config",
        )
    return fitting[0] if fitting else None


def read_sources(config: Path) -> Sources:
    """Read where the slides of a run lie.

    Parameters
    ----------
    config
        Its configuration; paths in it start from the working directory, as for Snakemake.

    Raises
    ------
    InputError
        If it or the sheet of slides does not fit.
    """
    if not config.is_file():
        raise InputError("no such file", file=config, remedy="name the run's configuration")
    filled = fill_in_paths(check_config(_loaded(config), file=str(config)), str(config))
    title = str(filled["study"].get("title") or filled["study"]["name"])
    cohort = filled["cohort"]
    if "slides" not in cohort:
        return Sources(title, {})
    sheet = read_sheet(Path(cohort["slides"]), read_schema("slides"), labels=())
    root = Path(cohort.get("root") or ".")
    rows = zip(sheet["slide"], sheet["path"], sheet["mpp"], strict=True)
    files = {
        str(slide): SlideFile(root / str(path), None if pd.isna(mpp) else float(mpp))
        for slide, path, mpp in rows
    }
    return Sources(title, files)


def _loaded(path: Path) -> dict[str, Any]:
    """A YAML file as it stands; empty if it is none of keys and values."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError("not YAML", file=path, remedy="mend or remove it") from error
    return content if isinstance(content, dict) else {}
