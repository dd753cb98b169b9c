"""What a study says of its segmentation: the networks, what they learn from, and their trials."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.palette import JOINT, Region
from histoniche.cohort.splits import split_patients
from histoniche.cohort.trials import draw_trial, with_values
from histoniche.cohort.verdicts import awaited_verdicts
from histoniche.errors import InputError


def brought_models(folder: Path, head: str) -> list[str]:
    """Folders of a head's finished models below `folder`: its own, or all that it holds."""
    if (folder / head / "model.json").is_file():
        return [head]
    found = sorted((folder / head).glob("*/model.json"))
    return [f"{head}/{path.parent.name}" for path in found]


class SegmentationSettings:
    """The part of a study that speaks of regions; no networks where the block is missing."""

    config: Mapping[str, Any]
    palette: list[Region]
    slides: pd.DataFrame
    verdicts: pd.DataFrame

    @property
    def regions(self) -> list[str]:
        """Codes of the regions without the background."""
        return [region.region for region in self.palette[1:]]

    @cached_property
    def used(self) -> pd.DataFrame:
        """Slides that nobody excluded, with the slide as index."""
        return self.slides[self.slides["exclude"].isna()].set_index("slide", drop=False)

    @property
    def annotated_slides(self) -> list[dict[str, Any]]:
        """Slides with an annotation, as `split_patients` takes them."""
        rows = self.used[self.used["annotation"].notna()]
        return [
            {"slide": row.slide, "patient": row.patient, "annotated": True, "role": row.role}
            for row in rows.itertuples()
        ]

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


def check_segmentation(study: SegmentationSettings, file: str) -> None:
    """What is trained needs annotated slides that can be divided; what is brought must be there."""
    if "segmentation" not in study.config:
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
