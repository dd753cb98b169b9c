"""What a study says of the signatures that networks learn from survival: of scans, of slides."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.outcome_splits import LEARNED, split_by_outcome
from histoniche.cohort.splits import SEEN, roles_in_fold
from histoniche.cohort.trait_settings import tiling_of
from histoniche.errors import InputError
from histoniche.files import read_json

IMAGING, SLIDES = "imaging", "slide_signature"
BLOCKS = (IMAGING, SLIDES)
"""Blocks whose networks give each patient a risk."""

_FEWEST_EVENTS = 2


class RiskSettings:
    """The part of a study that speaks of risks; of none where the blocks are missing."""

    config: Mapping[str, Any]
    patients: pd.DataFrame
    slides: pd.DataFrame
    scans: pd.DataFrame

    @property
    def risk_scores(self) -> dict[str, str]:
        """Name of the score of each block that there is."""
        return {name: self.config[name]["score"] for name in BLOCKS if name in self.config}

    @cached_property
    def used_scans(self) -> pd.DataFrame:
        """Scans that nobody excluded, with the patient as index."""
        if IMAGING not in self.config:
            return pd.DataFrame(columns=["patient"]).set_index("patient", drop=False)
        return self.scans[self.scans["exclude"].isna()].set_index("patient", drop=False)

    @property
    def scan_files(self) -> list[Path]:
        """Files of the used scans."""
        if IMAGING not in self.config:
            return []
        columns = ("mask", "brain_mask", "dwi", "bvals", "bvecs", *self.config[IMAGING]["maps"])
        return [Path(path) for name in columns for path in self.used_scans[name].dropna()]

    @cached_property
    def cohorts(self) -> dict[str, str | None]:
        """Cohort of each patient; None where none is named."""
        if "cohort" not in self.patients:
            return dict.fromkeys(self.patients["patient"])
        named = zip(self.patients["patient"], self.patients["cohort"], strict=True)
        return {patient: None if pd.isna(cohort) else str(cohort) for patient, cohort in named}

    @property
    def scan_groups(self) -> dict[str, list[str]]:
        """Patients with a scan by what it is for; those of different groups share no job.

        Networks that learn from some wait for all jobs that prepare them.
        """
        learners = set(self.learners(IMAGING)) if IMAGING in self.config else set()
        groups: dict[str, list[str]] = {}
        for patient in self.used_scans["patient"]:
            group = "learned" if patient in learners else "applied"
            groups.setdefault(group, []).append(patient)
        return groups

    def brings_risk_models(self, block: str) -> bool:
        """Whether a block's networks are finished ones, so that none is trained."""
        return "pretrained" in self.config.get(block, {})

    def trains_risk(self, block: str) -> bool:
        """Whether a block's networks are trained."""
        return block in self.config and not self.brings_risk_models(block)

    def risk_folds(self, block: str) -> list[int]:
        """Numbers of a block's networks: folds, or 0 alone; of brought ones those there are."""
        if self.brings_risk_models(block):
            folder = Path(self.config[block]["pretrained"])
            found = [path.parent.name for path in folder.glob("*/model.json")]
            # A folder 00 is none of ours.
            return sorted(
                int(name) for name in found if name.isdecimal() and name == str(int(name))
            )
        folds = self.config[block]["folds"]
        return [0] if folds is None else list(range(folds))

    def risk_patients(self, block: str) -> list[str]:
        """Patients who get a block's score, if their scan or slides can be used."""
        if block == IMAGING:
            return sorted(self.used_scans["patient"])
        return sorted(set(self.slides.loc[self.slides["exclude"].isna(), "patient"]))

    def learners(self, block: str) -> list[str]:
        """Patients whom a block's networks learn from, are chosen on, or are tested on by fold.

        They have follow-up, are in the cohorts training and tuning where cohorts are named,
        and have a slide that is not there to be told about alone.
        """
        if not self.trains_risk(block):
            return []
        there = set(self.risk_patients(block))
        if block == SLIDES:
            learned = self.slides["exclude"].isna() & (self.slides["role"] != "apply")
            there = set(self.slides.loc[learned, "patient"])
        named = any(cohort is not None for cohort in self.cohorts.values())
        followed = self.patients.dropna(subset=["time_days", "event"])["patient"]
        return [
            str(patient)
            for patient in followed
            if patient in there and (not named or self.cohorts[patient] in LEARNED)
        ]

    def outcome_pool(self, block: str) -> list[dict[str, Any]]:
        """Patients who are divided together for a block, as `split_by_outcome` takes them.

        Where both blocks have the same folds, those of both: who has a scan and slides is
        then in one fold of either, so that their scores can be set side by side.
        """
        alike = [
            name
            for name in BLOCKS
            if self.trains_risk(name) and self.config[name]["folds"] == self.config[block]["folds"]
        ]
        wanted = {patient for name in alike for patient in self.learners(name)}
        rows = self.patients[self.patients["patient"].isin(wanted)]
        return [
            {
                "patient": str(row["patient"]),
                "cohort": self.cohorts[str(row["patient"])],
                "time_days": float(row["time_days"]),
                "event": int(row["event"]),
            }
            for row in rows.to_dict("records")
        ]

    @property
    def signature_tiling(self) -> str:
        """Tiling whose features the slide signature is learned from."""
        return signature_tiling(self.config)


def signature_tiling(config: Mapping[str, Any]) -> str:
    """Tiling of the slide signature: its own, or that of all traits."""
    own = config[SLIDES].get("tiling")
    return str(own) if own is not None else tiling_of(config["traits"], "")


def check_risk_names(scores: Mapping[str, str], regions: Iterable[str], file: str) -> None:
    """Fail if a score has the name of a region, whose area is a score too, or of its signature."""
    taken = {*regions, "background"}
    for block, score in scores.items():
        if score in taken:
            raise InputError(
                "a region has this name",
                file=file,
                column=f"{block}.score",
                value=score,
                remedy="rename the score",
            )


def check_risks(study: RiskSettings, file: str) -> None:
    """Fail unless each block's networks can be trained, or are there.

    Raises
    ------
    InputError
        Naming the first file that is missing, or why nothing could be learned.
    """
    for block in study.risk_scores:
        if not study.risk_patients(block):
            raise InputError(
                "no patient has a scan or a slide that is used",
                file=file,
                column=block,
                remedy="empty the column exclude of the sheet for those to be used",
            )
        if study.brings_risk_models(block):
            _check_models(study, block, file)
        else:
            _check_training(study, block, file)


def _check_models(study: RiskSettings, block: str, file: str) -> None:
    """Finished models that are named are there, and whole."""
    folder = Path(study.config[block]["pretrained"])
    models = [folder / str(number) for number in study.risk_folds(block)]
    lacking = [model for model in models if not (model / "model.safetensors").is_file()]
    problem = ""
    if not models:
        problem = "no 0/model.json in the folder of models"
    elif lacking:
        problem = f"no {lacking[0].name}/model.safetensors in the folder of models"
    elif block == IMAGING:
        wanted = list(study.config[block]["maps"])
        for model in models:
            given = read_json(model / "model.json").get("maps", wanted)
            if given != wanted:
                problem = f"{model.name} learned from {', '.join(given)}"
    if problem:
        raise InputError(
            problem,
            file=file,
            column=f"{block}.pretrained",
            value=str(folder),
            remedy="name a folder that holds a folder of each model, of the same maps in one order",
        )


def _check_training(study: RiskSettings, block: str, file: str) -> None:
    """There are enough patients, and events among them, to learn from and to be chosen on."""
    folds = study.config[block]["folds"]
    try:
        split = split_by_outcome(study.outcome_pool(block), folds=folds, seed=study.config["seed"])
    except InputError as error:
        fields = error.fields
        raise InputError(
            str(fields["problem"]),
            file=file,
            column=f"{block}.folds",
            value=folds,
            remedy=str(fields["remedy"]),
        ) from error
    own = split[split["patient"].isin(study.learners(block))]
    for fold in range(folds) if folds else (None,):
        roles = own["role"] if fold is None else roles_in_fold(own, fold)
        for role in SEEN:
            rows = own[roles == role]
            events = int(rows["event"].sum())
            if events < _FEWEST_EVENTS:
                where = "" if fold is None else f" of fold {fold}"
                fewer = "make fewer folds, " if folds else ""
                raise InputError(
                    f"{events} of {len(rows)} {role} patients{where} died, and a risk needs "
                    f"{_FEWEST_EVENTS} at least to be learned or chosen by",
                    file=study.config["cohort"]["patients"],
                    column="event",
                    remedy=f"add patients with events, {fewer}or drop the block {block}",
                )
