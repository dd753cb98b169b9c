"""The study: configuration, sheets and palette together, checked before anything runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from histoniche.cohort.config import check_config, nearest
from histoniche.cohort.palette import JOINT, Region, find_palette, read_palette
from histoniche.cohort.sheets import read_patients, read_slides
from histoniche.cohort.splits import split_patients
from histoniche.errors import InputError

_PATHS: dict[str, set[str]] = {
    "cohort": {"slides", "patients", "root"},
    "segmentation": {"pretrained"},
    "areas": {"path"},
    "expression": {"path"},
    "mutations": {"path"},
}


def is_file_of_weights(encoder_weights: str | None) -> bool:
    """Whether `encoder_weights` names a file, and not published weights or none."""
    return encoder_weights is not None and encoder_weights.endswith(".safetensors")


def brought_models(folder: Path, head: str) -> list[str]:
    """Folders of a head's finished models below `folder`: its own, or all that it holds."""
    if (folder / head / "model.json").is_file():
        return [head]
    found = sorted((folder / head).glob("*/model.json"))
    return [f"{head}/{path.parent.name}" for path in found]


@dataclass(frozen=True)
class Study:
    """A checked configuration with its sheets.

    Parameters
    ----------
    config
        The configuration with its defaults.
    patients, slides
        The sheets; `slides` is empty where the study starts from areas.
    palette
        The regions, background first.
    """

    config: Mapping[str, Any]
    patients: pd.DataFrame
    slides: pd.DataFrame
    palette: list[Region]

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
        if split["method"] != "kfold":
            return [0]
        return list(range(split["folds"])) if split["fold"] is None else [split["fold"]]

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

    def training_settings(self, head: str) -> dict[str, Any]:
        """Settings of one head's training: the common ones with its own."""
        segmentation = self.config["segmentation"]
        return {**segmentation["training"], **segmentation["heads"].get(head, {})}

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
    checked = _fill_in_paths(check_config(config, file=file), file)
    cohort = checked["cohort"]
    palette = read_palette(find_palette(checked["palette"]))
    _check_places(checked, file)
    patients = read_patients(
        Path(cohort["patients"]),
        covariates={name: entry["type"] for name, entry in cohort["covariates"].items()},
        time_unit=cohort["time_unit"],
    )
    slides = pd.DataFrame(columns=["slide", "patient", "path", "exclude", "annotation", "role"])
    if "slides" in cohort:
        root = Path(cohort["root"])
        slides = read_slides(Path(cohort["slides"]), root=root, patients=patients)
        _check_slides_places(checked, slides)
    study = Study(checked, patients, slides, palette)
    _check_regions(study, file)
    _check_follow_up(study, file)
    _check_training(study, file)
    if len(slides) and study.used.empty:
        raise InputError(
            "every slide is excluded",
            file=cohort["slides"],
            column="exclude",
            remedy="empty the column for the slides to be used",
        )
    return study


def _fill_in_paths(config: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Fill environment variables into every path of a configuration."""
    filled = {**config, "palette": _fill_in(config["palette"], file, "palette")}
    for block, keys in _PATHS.items():
        if block in config:
            paths = {
                key: _fill_in(config[block][key], file, f"{block}.{key}")
                for key in keys & set(config[block])
            }
            filled[block] = {**config[block], **paths}
    if "enrichment" in config:
        sets = {
            name: _fill_in(path, file, f"enrichment.gene_sets.{name}")
            for name, path in config["enrichment"]["gene_sets"].items()
        }
        filled["enrichment"] = {**config["enrichment"], "gene_sets": sets}
    if "tilings" in config:
        filled["tilings"] = {
            name: _fill_in_reference(entry, file, f"tilings.{name}.stain")
            for name, entry in config["tilings"].items()
        }
    if "segmentation" in filled:
        segmentation = filled["segmentation"]
        heads = {
            head: _fill_in_weights(entry, file, f"segmentation.heads.{head}")
            for head, entry in segmentation["heads"].items()
        }
        training = _fill_in_weights(segmentation["training"], file, "segmentation.training")
        filled["segmentation"] = {**segmentation, "training": training, "heads": heads}
    return filled


def _fill_in(path: str, file: str, column: str) -> str:
    """Fill environment variables into one path."""
    try:
        return Template(path).substitute(os.environ)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the environment variable {error} is not set",
            file=file,
            column=column,
            value=path,
            remedy="set it, or write the folder itself",
        ) from error


def _fill_in_reference(tiling: Mapping[str, Any], file: str, column: str) -> dict[str, Any]:
    """Fill environment variables into the picture of a tiling's stain, which must exist."""
    stain = tiling["stain"]
    if "reference" not in stain:
        return dict(tiling)
    path = _fill_in(stain["reference"], file, f"{column}.reference")
    _check_there(path, file, f"{column}.reference", "name a picture that is here")
    return {**tiling, "stain": {**stain, "reference": path}}


def _check_there(path: str, file: str, column: str, remedy: str) -> None:
    """A file that the configuration names exists."""
    if not Path(path).is_file():
        raise InputError("no such file", file=file, column=column, value=path, remedy=remedy)


def _fill_in_weights(settings: Mapping[str, Any], file: str, column: str) -> dict[str, Any]:
    """Fill environment variables into the file of weights of a network, which must exist."""
    weights = settings.get("encoder_weights")
    if not is_file_of_weights(weights):
        return dict(settings)
    path = _fill_in(str(weights), file, f"{column}.encoder_weights")
    remedy = "name a safetensors file that is here, or null to start at random"
    _check_there(path, file, f"{column}.encoder_weights", remedy)
    return {**settings, "encoder_weights": path}


def _check_places(config: Mapping[str, Any], file: str) -> None:
    """What is read must not lie where the workflow writes, or a run could remove it."""
    results = Path(config["results"]).resolve()
    read = {
        "palette": config["palette"],
        **{
            f"{block}.{key}": config.get(block, {}).get(key)
            for block, keys in _PATHS.items()
            for key in sorted(keys - {"root"})
        },
        **{
            f"tilings.{name}.stain.reference": tiling["stain"].get("reference")
            for name, tiling in config.get("tilings", {}).items()
        },
        **{
            f"enrichment.gene_sets.{name}": path
            for name, path in config.get("enrichment", {}).get("gene_sets", {}).items()
        },
    }
    for column, path in read.items():
        if path is not None and Path(path).resolve().is_relative_to(results):
            raise InputError(
                "lies in the folder of results",
                file=file,
                column=column,
                value=path,
                remedy="keep what is read and what is written apart",
            )


def _check_slides_places(config: Mapping[str, Any], slides: pd.DataFrame) -> None:
    """No file of the sheet lies among the results: a job that writes it would delete it first."""
    results = Path(config["results"]).resolve()
    for column in ("path", "annotation", "tissue_mask"):
        for slide, path in zip(slides["slide"], slides[column], strict=True):
            if path is not None and Path(path).resolve().is_relative_to(results):
                raise InputError(
                    "lies in the folder of results, where the next run writes",
                    file=config["cohort"]["slides"],
                    column=column,
                    value=path,
                    remedy=f"copy it elsewhere and name the copy for slide {slide}",
                )


def _check_regions(study: Study, file: str) -> None:
    """Every region that the configuration names is one of the palette's."""
    config = study.config
    named = {
        "segmentation.heads": (config.get("segmentation", {}).get("heads", {}), study.heads),
        "areas.columns": (config["areas"]["columns"], study.regions),
        "survival.regions": (config.get("survival", {}).get("regions", []), study.regions),
    }
    for column, (names, known) in named.items():
        for name in names:
            if name not in known:
                raise InputError(
                    "no such region or head",
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
