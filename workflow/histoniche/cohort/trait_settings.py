"""What a configuration says of each trait, and what its sheets must have for it."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.schemas import nearest, read_schema
from histoniche.cohort.sheet_cells import columns_of
from histoniche.errors import InputError
from histoniche.files import read_json

TILES, MIL = "tiles", "mil"
"""Methods: a network names tiles; or bags of them, whole slides or patients."""

_OF_EXPRESSION = ["low", "high"]


def classes_in_config(trait: Mapping[str, Any]) -> list[str]:
    """Classes of a trait in their order; none where only its models know them."""
    if "labels" in trait:
        return [str(name).strip() for name in trait["labels"]["classes"]]
    return list(_OF_EXPRESSION) if "expression" in trait else []


def tiling_of(traits: Mapping[str, Any], name: str) -> str:
    """Tiling that a trait is told from: its own, or that of all."""
    return str(traits["named"].get(name, {}).get("tiling", traits["tiling"]))


def settings_of(traits: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Settings of a trait's training: those of all traits of its method with its own."""
    trait = traits["named"][name]
    block = "mil" if trait["method"] == MIL else "training"
    return {**traits[block], **trait.get(block, {})}


def label_columns(config: Mapping[str, Any], sheet: str) -> list[str]:
    """Columns of the sheet of `patients` or `slides` that traits alone read, sorted.

    A covariate is read anyway; with it here, its first trait would write the sheet anew.
    """
    traits = config.get("traits", {"named": {}, "rounds": {"stratify": []}})
    labels = [trait["labels"] for trait in traits["named"].values() if "labels" in trait]
    found = {block["column"] for block in labels if block["of"] == sheet}
    if sheet == "slides":
        return sorted(found)
    return sorted((found | {*traits["rounds"]["stratify"]}) - {*config["cohort"]["covariates"]})


def columns_read(config: Mapping[str, Any], sheet: str) -> set[str]:
    """Columns of the sheet of `patients` or `slides` that the workflow reads."""
    cohort = {"covariates": {}, **config.get("cohort", {})}
    own = cohort["covariates"] if sheet == "patients" else {}
    known = read_schema(sheet)["properties"]
    return {*known, *own, *label_columns({**config, "cohort": cohort}, sheet)}


class TraitSettings:
    """The part of a study that speaks of traits; of no traits where the block is missing."""

    config: Mapping[str, Any]

    @property
    def _traits(self) -> Mapping[str, Any]:
        """The block `traits`."""
        return self.config["traits"]

    @property
    def traits(self) -> list[str]:
        """Names of the traits."""
        return list(self._traits["named"]) if "traits" in self.config else []

    def _of_method(self, method: str) -> list[str]:
        """Traits of one method."""
        return [name for name in self.traits if self._traits["named"][name]["method"] == method]

    @property
    def tile_traits(self) -> list[str]:
        """Traits whose networks name tiles."""
        return self._of_method(TILES)

    @property
    def bag_traits(self) -> list[str]:
        """Traits whose networks name whole slides or patients."""
        return self._of_method(MIL)

    @property
    def brings_trait_models(self) -> bool:
        """Whether traits are told by finished models, so that none is trained or evaluated."""
        return "pretrained" in self.config.get("traits", {})

    @property
    def trait_folds(self) -> bool:
        """Whether each patient is tested by a network of one round (k folds)."""
        return bool(self._traits["rounds"]["method"] == "kfold")

    def trait_classes(self, name: str) -> list[str]:
        """Classes of a trait in their order; of two the second is the positive one."""
        found = classes_in_config(self._traits["named"][name])
        return found or self._brought[name][1]

    def trait_tiling(self, name: str) -> str:
        """Tiling that a trait is told from."""
        return tiling_of(self._traits, name)

    def trait_settings(self, name: str) -> dict[str, Any]:
        """Settings of a trait's training, the common ones with its own."""
        return settings_of(self._traits, name)

    def trait_scoring(self, name: str) -> dict[str, Any]:
        """Settings of a trait's scores; more than two classes have no thresholds."""
        scoring = dict(self._traits["scoring"])
        if len(self.trait_classes(name)) > 2:
            scoring |= {"tile_threshold": "argmax", "slide_threshold": "argmax"}
        return scoring

    @property
    def rounds(self) -> list[int]:
        """Rounds of all traits, each a network; of brought models those that any trait has."""
        if not self.traits:
            return []
        if self.brings_trait_models:
            return sorted({number for own, _ in self._brought.values() for number in own})
        settings = self._traits["rounds"]
        return list(range(settings["folds" if self.trait_folds else "rounds"]))

    def trait_rounds(self, name: str) -> list[int]:
        """Rounds that a trait has a network of."""
        return self._brought[name][0] if self.brings_trait_models else self.rounds

    @property
    def heterogeneity(self) -> dict[str, list[str]]:
        """Traits of each index of heterogeneity, by its name."""
        indices = self.config.get("traits", {}).get("heterogeneity", {})
        return {name: list(index["traits"]) for name, index in indices.items()}

    def chain_steps(self, name: str) -> dict[str, dict[str, list[str]]]:
        """Steps of a chain in their order, each with the final classes of its trait's classes."""
        steps = self._traits["chains"][name]["steps"]
        texts = {
            trait: {str(group): [str(one) for one in held] for group, held in groups.items()}
            for trait, groups in steps.items()
        }
        return {
            trait: {group: groups[group] for group in self.trait_classes(trait)}
            for trait, groups in texts.items()
        }

    @cached_property
    def _brought(self) -> dict[str, tuple[list[int], list[str]]]:
        """Rounds and classes of the models that are brought along, by trait."""
        folder = Path(self._traits["pretrained"])
        found = {}
        for name in self.traits:
            own = sorted(
                int(path.parent.name)
                for path in (folder / name).glob("*/model.json")
                # A folder 00 is none of ours.
                if path.parent.name.isdecimal() and path.parent.name == str(int(path.parent.name))
            )
            first = read_json(folder / name / str(own[0]) / "model.json") if own else {}
            found[name] = (own, [str(one) for one in first.get("classes", [])])
        return found


def check_trait_sheets(
    config: Mapping[str, Any], *, patients: pd.DataFrame, slides: pd.DataFrame, file: str
) -> None:
    """Fail unless the sheets have every column that traits read.

    Raises
    ------
    InputError
        Naming the first that is missing or has no value.
    """
    if "traits" not in config:
        return
    sheets = {"patients": patients, "slides": slides}
    wanted = [
        (f"traits.named.{name}.labels.column", trait["labels"]["column"], trait["labels"]["of"])
        for name, trait in config["traits"]["named"].items()
        if "labels" in trait
    ]
    wanted += [
        ("traits.rounds.stratify", column, "patients")
        for column in config["traits"]["rounds"]["stratify"]
    ]
    for key, column, sheet in wanted:
        table = sheets[sheet]
        if column not in table or table[column].isna().all():
            raise InputError(
                f"the sheet of {sheet} has no such column, or nothing in it",
                file=file,
                column=key,
                value=column,
                remedy=nearest(column, columns_of(Path(config["cohort"][sheet]))),
            )


def check_indices(indices: Iterable[str], regions: Iterable[str], file: str) -> None:
    """Fail if an index of heterogeneity has the name of a region, whose area is a score too."""
    for name in sorted(set(indices) & set(regions)):
        raise InputError(
            "a region has this name",
            file=file,
            column=f"traits.heterogeneity.{name}",
            remedy="rename the index",
        )


def check_trait_models(study: TraitSettings, file: str) -> None:
    """Fail unless finished models that are named are there, and tell the traits' classes.

    Raises
    ------
    InputError
        Naming the first that is missing, or is of other classes.
    """
    if not study.brings_trait_models:
        return
    folder = Path(study.config["traits"]["pretrained"])
    for name in study.traits:
        rounds = study.trait_rounds(name)
        models = [folder / name / str(number) for number in rounds]
        lacking = [model for model in models if not (model / "model.safetensors").is_file()]
        problem = ""
        if not models:
            problem = f"no {name}/0/model.json in the folder of models"
        elif lacking:
            problem = f"no {name}/{lacking[0].name}/model.safetensors in the folder of models"
        for model in models:
            given = [str(one) for one in read_json(model / "model.json").get("classes", [])]
            if not problem and given != study.trait_classes(name):
                problem = f"{name}/{model.name} tells {', '.join(given)}, and not " + ", ".join(
                    study.trait_classes(name)
                )
        if problem:
            raise InputError(
                problem,
                file=file,
                column="traits.pretrained",
                value=str(folder),
                remedy="name a folder that holds, for each trait, a folder with models by round",
            )
