"""The study: configuration, sheets and palette together, checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import JOINT, Region, find_palette, read_palette
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
from histoniche.cohort.sheets import read_patients, read_slides
from histoniche.cohort.sources.coming import Coming, read_coming
from histoniche.cohort.splits import split_patients
from histoniche.cohort.trait_settings import (
    TraitSettings,
    check_indices,
    check_trait_models,
    check_trait_sheets,
    label_columns,
)
from histoniche.cohort.trials import draw_trial, with_values
from histoniche.cohort.verdicts import awaited_verdicts, read_verdicts
from histoniche.errors import InputError


def brought_models(folder: Path, head: str) -> list[str]:
    """Folders of a head's finished models below `folder`: its own, or all that it holds."""
    if (folder / head / "model.json").is_file():
        return [head]
    found = sorted((folder / head).glob("*/model.json"))
    return [f"{head}/{path.parent.name}" for path in found]


@dataclass(frozen=True)
class Study(TraitSettings, RiskSettings):
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
    def regions(self) -> list[str]:
        """Codes of the regions without the background."""
        return [region.region for region in self.palette[1:]]

    @property
    def signatures(self) -> list[str]:
        """Signatures that can be derived: of each region's genes all, and two parts of them."""
        measured = list(self.config["areas"]["columns"]) or self.regions
        return [f"{region}{ending}" for region in measured for ending in ("", "pos", "neg")]

    @cached_property
    def used(self) -> pd.DataFrame:
        """Slides that nobody excluded, with the slide as index."""
        return self.slides[self.slides["exclude"].isna()].set_index("slide", drop=False)

    @property
    def slide_files(self) -> list[Path]:
        """Files of the used slides, their annotations and masks."""
        columns = [self.used[name].dropna() for name in ("path", "annotation", "tissue_mask")]
        return [Path(path) for own in columns for path in own]

    @property
    def annotated_slides(self) -> list[dict[str, Any]]:
        """Slides with an annotation, as `split_patients` takes them."""
        rows = self.used[self.used["annotation"].notna()]
        return [
            {"slide": row.slide, "patient": row.patient, "annotated": True, "role": row.role}
            for row in rows.itertuples()
        ]

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

    @property
    def heads(self) -> list[str]:
        """Networks of the segmentation: one a region, or one for all."""
        if "segmentation" not in self.config:
            return []
        joint = self.config["segmentation"]["strategy"] == "joint"
        return [JOINT] if joint else self.regions

    @property
    def folds(self) -> list[int]:
        """Folds that a network is trained for; 0 alone where patients are divided once."""
        split = self.config["split"]
        if self.cross_validates:
            return list(range(split["folds"]))
        return [split["fold"] if split["method"] == "kfold" else 0]

    @property
    def cross_validates(self) -> bool:
        """Whether each fold is tested by a network of its own."""
        split = self.config["split"]
        return split["method"] == "kfold" and split["fold"] is None

    def models(self, head: str) -> list[str]:
        """Folders of a head's models, below that of all models."""
        pretrained = self.config["segmentation"].get("pretrained")
        if pretrained is None:
            return [f"{head}/{fold}" for fold in self.folds]
        return brought_models(Path(pretrained), head)

    @property
    def _tuning(self) -> Mapping[str, Any]:
        """The block `segmentation.tuning`; empty where nothing is searched."""
        return self.config.get("segmentation", {}).get("tuning", {})

    @property
    def trials(self) -> list[int]:
        """Numbers of the trials of each network; empty where nothing is searched."""
        return list(range(1, self._tuning.get("trials", 0) + 1))

    def training_settings(self, head: str, trial: int | None = None) -> dict[str, Any]:
        """Settings of one head's training: the common ones with its own, and what a trial draws."""
        segmentation = self.config["segmentation"]
        settings = {**segmentation["training"], **segmentation["heads"].get(head, {})}
        if trial is None:
            return settings
        drawn = draw_trial(self._tuning["space"], trial, seed=self.config["seed"])
        return with_values(settings, drawn)

    @property
    def reviewed(self) -> bool:
        """Whether a pathologist has to accept the networks."""
        return self._tuning.get("review") == "required"

    @cached_property
    def awaited(self) -> list[str]:
        """Verdicts that the run waits for, in words; empty if it can go on."""
        if not self.reviewed:
            return []
        models = [(head, fold) for head in self.heads for fold in self.folds]
        return awaited_verdicts(self.verdicts, models)

    def accepted(self, head: str, fold: int) -> list[dict[str, Any]]:
        """Trials of a network that were accepted: number, and the model that was looked at."""
        rows = self.verdicts[
            (self.verdicts["head"] == head)
            & (self.verdicts["fold"] == fold)
            & (self.verdicts["verdict"] == "accepted")
        ]
        pairs = zip(rows["trial"].tolist(), rows["model"].tolist(), strict=True)
        return [{"trial": trial, "model": model} for trial, model in pairs]

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
    slides = pd.DataFrame(columns=["slide", "patient", "path", "exclude", "annotation", "role"])
    if "slides" in cohort:
        root = Path(cohort["root"])
        labels = label_columns(checked, "slides")
        slides = read_slides(
            Path(cohort["slides"]),
            root=root,
            patients=patients,
            labels=labels,
            comes=coming.brings,
        )
        check_slides_places(checked, slides)
    tuning = checked.get("segmentation", {}).get("tuning", {})
    verdicts = read_verdicts(Path(tuning.get("verdicts", "")))
    scans, named = _read_scans(checked, patients)
    patients = join_cohorts(patients, scans)
    study = Study(checked, patients, slides, palette, verdicts, scans, named, coming)
    _check_regions(study, file)
    _check_scores(study, file)
    _check_follow_up(study, file)
    _check_training(study, file)
    check_trait_sheets(checked, patients=patients, slides=slides, file=file)
    check_trait_models(study, file)
    measured = study.regions if study.has("segmentation") else []
    check_indices(study.heterogeneity, measured, file)
    check_risk_names(study.risk_scores, measured, file)
    check_risks(study, file)
    if len(slides) and study.used.empty:
        raise InputError(
            "every slide is excluded",
            file=cohort["slides"],
            column="exclude",
            remedy="empty the column for the slides to be used",
        )
    return study


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


def _check_training(study: Study, file: str) -> None:
    """What is trained needs annotated slides that can be divided; what is brought must be there."""
    if not study.has("segmentation"):
        return
    pretrained = study.config["segmentation"].get("pretrained")
    if pretrained is None:
        if not study.annotated_slides:
            raise InputError(
                "no slide is annotated, so nothing can be trained",
                file=study.config["cohort"]["slides"],
                column="annotation",
                remedy="annotate slides, or name finished models in segmentation.pretrained",
            )
        split_patients(study.annotated_slides, seed=study.config["seed"], **study.config["split"])
        return
    for head in study.heads:
        models = study.models(head)
        missing = [
            f"{model}/model.safetensors"
            for model in models
            if not (Path(pretrained) / model / "model.safetensors").is_file()
        ]
        if missing or not models:
            raise InputError(
                f"no {missing[0] if missing else f'{head}/model.json'} in the folder of models",
                file=file,
                column="segmentation.pretrained",
                value=pretrained,
                remedy="name a folder that holds a folder for each head",
            )
