"""The study: configuration, sheets and palette together, checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import Region, find_palette, read_palette
from histoniche.cohort.places import (
    check_places,
    check_scan_places,
    check_slides_places,
    check_tables,
    fill_in_paths,
)
from histoniche.cohort.risk_settings import RiskSettings, check_risk_names, check_risks
from histoniche.cohort.scan_sheet import join_cohorts, read_scans
from histoniche.cohort.schemas import nearest
from histoniche.cohort.segmentation_settings import SegmentationSettings, check_segmentation
from histoniche.cohort.sheets import read_patients, read_slides
from histoniche.cohort.sources.coming import Coming, read_coming
from histoniche.cohort.trait_settings import (
    TraitSettings,
    check_indices,
    check_trait_models,
    check_trait_sheets,
    label_columns,
)
from histoniche.cohort.verdicts import read_verdicts
from histoniche.errors import InputError


@dataclass(frozen=True)
class Study(SegmentationSettings, TraitSettings, RiskSettings):
    """A checked configuration with its sheets.

    Parameters
    ----------
    config
        The configuration with its defaults.
    patients, slides
        The sheets; `slides` is empty where the study starts from areas.
    palette
        The regions, background first.
    verdicts
        What a pathologist said of the trials; empty where nothing is reviewed yet.
    scans
        The sheet of scans; empty without the block imaging.
    scan_cohorts
        Cohorts that the sheet of scans alone names, which `patients` has as well.
    coming
        What sources bring.
    """

    config: Mapping[str, Any]
    patients: pd.DataFrame
    slides: pd.DataFrame
    palette: list[Region]
    verdicts: pd.DataFrame
    scans: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["patient", "cohort", "exclude"])
    )
    scan_cohorts: Mapping[str, str] = field(default_factory=dict)
    coming: Coming = field(default_factory=Coming)

    @property
    def signatures(self) -> list[str]:
        """Signatures that can be derived: of each region's genes all, and two parts of them."""
        measured = list(self.config["areas"]["columns"]) or self.regions
        return [f"{region}{ending}" for region in measured for ending in ("", "pos", "neg")]

    @property
    def slide_files(self) -> list[Path]:
        """Files of the used slides, their annotations and masks."""
        columns = [self.used[name].dropna() for name in ("path", "annotation", "tissue_mask")]
        return [Path(path) for own in columns for path in own]

    @property
    def slide_groups(self) -> dict[str, list[str]]:
        """Slides by what they are for; those of different groups share no job.

        Networks that learn from some slides wait for all jobs that work on them: slides to be
        told about alone, whose role is `apply`, and those without an annotation stand apart.
        """
        groups: dict[str, list[str]] = {}
        columns = (self.used[name] for name in ("slide", "role", "annotation"))
        for slide, role, annotation in zip(*columns, strict=True):
            kind = "applied" if role == "apply" else "learned"
            group = kind if pd.isna(annotation) else f"{kind}-annotated"
            groups.setdefault(group, []).append(slide)
        return groups

    def has(self, block: str) -> bool:
        """Whether a block stands in the configuration, so that its stage runs."""
        return block in self.config


def read_study(config: Mapping[str, Any], *, file: str) -> Study:
    """Check a configuration and read its sheets.

    Parameters
    ----------
    config
        As it stands in the YAML file.
    file
        Name of the file, for errors.

    Raises
    ------
    InputError
        One line that names file, row, column, value and remedy.
    """
    checked = fill_in_paths(check_config(config, file=file), file)
    cohort = checked["cohort"]
    palette = read_palette(find_palette(checked["palette"]))
    check_places(checked, file)
    coming = read_coming(checked)
    check_tables(checked, file, coming.brings)
    patients = read_patients(
        Path(cohort["patients"]),
        covariates={name: entry["type"] for name, entry in cohort["covariates"].items()},
        time_unit=cohort["time_unit"],
        labels=label_columns(checked, "patients"),
    )
    slides = _read_slides(checked, patients, coming)
    tuning = checked.get("segmentation", {}).get("tuning", {})
    verdicts = read_verdicts(Path(tuning.get("verdicts", "")))
    scans, named = _read_scans(checked, patients)
    patients = join_cohorts(patients, scans)
    study = Study(checked, patients, slides, palette, verdicts, scans, named, coming)
    _check(study, file)
    return study


def _check(study: Study, file: str) -> None:
    """Sheets and configuration speak of the same things."""
    _check_regions(study, file)
    _check_scores(study, file)
    _check_follow_up(study, file)
    check_segmentation(study, file)
    check_trait_sheets(study.config, patients=study.patients, slides=study.slides, file=file)
    check_trait_models(study, file)
    measured = study.regions if study.has("segmentation") else []
    check_indices(study.heterogeneity, measured, file)
    check_risk_names(study.risk_scores, measured, file)
    check_risks(study, file)
    if len(study.slides) and study.used.empty:
        raise InputError(
            "every slide is excluded",
            file=study.config["cohort"]["slides"],
            column="exclude",
            remedy="empty the column for the slides to be used",
        )


def _read_slides(config: Mapping[str, Any], patients: pd.DataFrame, coming: Coming) -> pd.DataFrame:
    """Read the sheet of slides; an empty one where the study starts from areas."""
    cohort = config["cohort"]
    if "slides" not in cohort:
        return pd.DataFrame(columns=["slide", "patient", "path", "exclude", "annotation", "role"])
    slides = read_slides(
        Path(cohort["slides"]),
        root=Path(cohort["root"]),
        patients=patients,
        labels=label_columns(config, "slides"),
        comes=coming.brings,
    )
    check_slides_places(config, slides)
    return slides


def _read_scans(
    config: Mapping[str, Any], patients: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the sheet of scans, and the cohorts that it names of patients who have none yet."""
    if "imaging" not in config:
        return pd.DataFrame(columns=["patient", "cohort", "exclude"]), {}
    imaging = config["imaging"]
    scans = read_scans(
        Path(imaging["scans"]), root=Path(imaging["root"]), patients=patients, maps=imaging["maps"]
    )
    check_scan_places(config, scans)
    known = dict(zip(patients["patient"], patients.get("cohort", []), strict=False))
    named = scans.dropna(subset="cohort")
    pairs = zip(named["patient"], named["cohort"], strict=True)
    return scans, {name: cohort for name, cohort in pairs if pd.isna(known.get(name))}


def _check_regions(study: Study, file: str) -> None:
    """Every region that the configuration names is one of the palette's, or a signature of one."""
    config = study.config
    named = {
        "segmentation.heads": (config.get("segmentation", {}).get("heads", {}), study.heads),
        "areas.columns": (config["areas"]["columns"], study.regions),
        "survival.regions": (config.get("survival", {}).get("regions", []), study.regions),
        "ligand_receptor.signatures": (
            config.get("ligand_receptor", {}).get("signatures", []),
            study.signatures,
        ),
    }
    for column, (names, known) in named.items():
        for name in names:
            if name not in known:
                raise InputError(
                    "no such region, head or signature",
                    file=file,
                    column=column,
                    value=name,
                    remedy=nearest(name, known),
                )


def _check_scores(study: Study, file: str) -> None:
    """What is set against survival is a score, or a covariate, that the study will have."""
    config = study.config
    if "survival" not in config or study.has("scores"):
        # The study's own scores are known once their table is read; the jobs check the names then.
        return
    measured = study.regions if study.has("segmentation") else list(config["areas"]["columns"])
    scores = [*measured, *config["survival"]["genes"], *config["survival"]["gene_sets"]]
    scores += [*study.heterogeneity, *study.risk_scores.values()]
    both = [*config["cohort"]["covariates"], *scores]
    named = {
        f"{block}.scores": (config.get(block, {}).get("scores", []), scores)
        for block in ("survival_curves", "clinical_use")
    }
    stated = config.get("survival_curves", {}).get("stated", {})
    named["survival_curves.stated"] = (list(stated), scores)
    for model, entry in config.get("survival_models", {}).get("models", {}).items():
        named[f"survival_models.models.{model}.covariates"] = (entry["covariates"], both)
    for column, (names, known) in named.items():
        for name in names:
            if name not in known:
                kind = "score" if known is scores else "covariate or score"
                raise InputError(
                    f"no such {kind} (survival.genes, survival.gene_sets and traits.heterogeneity "
                    "are scores too, and those of imaging and slide_signature)",
                    file=file,
                    column=column,
                    value=name,
                    remedy=nearest(name, known),
                )


def _check_follow_up(study: Study, file: str) -> None:
    """Survival needs times and events."""
    if study.has("survival") and study.patients["time_days"].notna().sum() == 0:
        raise InputError(
            "the block survival needs times and events, and no patient has them",
            file=study.config["cohort"]["patients"],
            column="time",
            remedy=f"fill in time and event, or drop the block from {file}",
        )
