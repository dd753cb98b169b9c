"""Keys of the configuration that do not go together."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from histoniche.cohort.curve_problems import curve_problems
from histoniche.cohort.pathway_problems import BY_SURVIVAL, cut_problems, pathway_problems
from histoniche.cohort.problem import Problem
from histoniche.cohort.schemas import nearest, read_schema
from histoniche.cohort.trials import draw_trial, with_values

_NEEDS = {
    "signatures": ("areas", "expression"),
    "enrichment": ("signatures",),
    "cell_types": ("signatures",),
    "activity": ("expression",),
    "single_cell": ("signatures",),
    "ligand_receptor": ("single_cell",),
    "differential": ("comparisons", "expression"),
    "pathways": ("differential", "survival"),
    "survival_curves": ("survival",),
    "gene_survival": ("survival", "expression"),
    "survival_models": ("survival",),
    "clinical_use": ("survival",),
}
# Files, whose content a training is told beside its settings.
_NOT_DRAWN = {"encoder_weights", "encoder_sha256"}


def problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """All that a schema cannot see: keys that refer to one another, and do not fit."""
    yield from _stage_problems(config)
    yield from _split_problems(config["split"])
    yield from _name_problems(config)
    yield from curve_problems(config)
    yield from _comparison_problems(config)
    yield from cut_problems(config)
    yield from pathway_problems(config)
    yield from _model_problems(config)
    yield from _training_problems(config)
    yield from _clinical_problems(config)


def _stage_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Blocks that need other blocks."""
    areas = config["areas"]
    reads_slides = any(
        block in config for block in ("segmentation", "tilings", "traits", "slide_signature")
    )
    if reads_slides and "slides" not in config["cohort"]:
        yield Problem("cohort.slides", "slides are to be read but there is no sheet", "add it")
    if "path" in areas and "segmentation" in config:
        yield Problem(
            "areas.path",
            "areas are both brought along and to be measured",
            "leave out areas.path or the block segmentation",
        )
    if "path" in areas and not areas["columns"]:
        yield Problem("areas.columns", "the areas' columns are not named", "name one a region")
    for stage, needed in _NEEDS.items():
        for block in needed if stage in config else ():
            if block == "areas" and not _has_areas(config):
                remedy = "name a table of areas or add the block segmentation"
                yield Problem("areas.path", f"the block {stage} needs areas", remedy)
            elif block != "areas" and block not in config:
                yield Problem(block, f"the block {stage} needs it", f"add it or drop {stage}")
    if config.get("signatures", {}).get("scores") and not _has_scores(config):
        yield Problem("scores", "signatures.scores needs it", "add it")
    yield from _survival_problems(config)


def _survival_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Scores and cohorts of the block survival that nothing gives."""
    if "survival" not in config:
        return
    survival = config["survival"]
    listed = survival["genes"] or survival["gene_sets"]
    indices = config.get("traits", {}).get("heterogeneity")
    if not (_has_areas(config) or _has_scores(config) or listed or indices):
        remedy = "name a table of areas or scores, or add the block segmentation"
        yield Problem("areas.path", "the block survival needs areas or other scores", remedy)
    for key, block in (("genes", "expression"), ("gene_sets", "activity")):
        if survival[key] and block not in config:
            yield Problem(block, f"survival.{key} needs it", "add it")
    if survival["cohorts"] == "split" and "slides" not in config["cohort"]:
        remedy = "name the cohorts in the sheet of patients, and write sheet"
        yield Problem("survival.cohorts", "there are no slides to split", remedy, "split")


def _has_areas(config: Mapping[str, Any]) -> bool:
    """Whether areas are brought along or measured."""
    return "path" in config["areas"] or "segmentation" in config


def _has_scores(config: Mapping[str, Any]) -> bool:
    """Whether scores are brought along, or given by networks."""
    return any(block in config for block in ("scores", "imaging", "slide_signature"))


def _split_problems(split: Mapping[str, Any]) -> Iterator[Problem]:
    """Numbers of the split that do not go together."""
    if split["fold"] is not None and split["fold"] >= split["folds"]:
        remedy = f"choose at most {split['folds'] - 1}"
        yield Problem("split.fold", "folds count from 0", remedy, split["fold"])
    if split["ratio"][0] <= 0:
        yield Problem("split.ratio", "no patient would train", "write 14, 1, 1, say")


def _name_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Names that refer to what is not there."""
    tilings = config.get("tilings", {})
    tiling = config.get("segmentation", {}).get("tiling")
    if tiling is not None and tiling not in tilings:
        remedy = nearest(tiling, tilings) if tilings else "describe it under tilings"
        yield Problem("segmentation.tiling", "no such tiling", remedy, tiling)
    for name, entry in tilings.items():
        if ("mpp" in entry) == ("fit_px" in entry):
            problem = "needs either mpp or fit_px"
            yield Problem(f"tilings.{name}", problem, "write one of them, say mpp: 0.5")
        stain = entry["stain"]
        if stain["method"] == "reinhard" and "reference" not in stain:
            remedy = "name a picture of tissue that looks as wanted"
            yield Problem(f"tilings.{name}.stain.reference", "Reinhard's method needs it", remedy)
        if stain["method"] != "off" and entry["codec"] == "source-jpeg":
            problem = "the slide's own tiles are copied and cannot be normalised"
            yield Problem(f"tilings.{name}.codec", problem, "choose zstd, or no stain method")
    yield from _covariate_problems(config)
    signatures = config.get("signatures", {"p_kind": "raw"})
    if signatures["p_kind"] == "family" and not signatures["permutations"]:
        remedy = "write 1000, or another p_kind"
        yield Problem("signatures.permutations", "p_kind family needs them", remedy, 0)
    for block in ("enrichment", "activity"):
        sizes = config.get(block, {"min_size": 0, "max_size": 0})
        if sizes["min_size"] > sizes["max_size"]:
            yield Problem(f"{block}.min_size", "greater than max_size", "make it smaller")


def _covariate_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Covariates that are not there, or that make no groups."""
    covariates = config["cohort"]["covariates"]
    for block in ("survival", "signatures", "differential", "activity", "clinical_use"):
        for name in config.get(block, {}).get("covariates", []):
            key = f"{block}.covariates"
            if name not in covariates:
                remedy = nearest(name, covariates) if covariates else "declare it under cohort"
                yield Problem(key, "no such covariate", remedy, name)
            elif block == "activity" and covariates[name]["type"] != "categorical":
                yield Problem(key, "its levels make no groups", "name a categorical one", name)
            elif block == "activity" and name in config.get("comparisons", {}):
                yield Problem(key, "a comparison has this name", "rename the comparison", name)


def _comparison_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Comparisons whose rule is not one of the three, or that name what is not there."""
    kinds = {"mutation": set(), "covariate": {"case", "reference"}, "score": {"cut"}}
    covariates = config["cohort"]["covariates"]
    for name, rule in config.get("comparisons", {}).items():
        place = f"comparisons.{name}"
        named = [kind for kind in kinds if kind in rule]
        if len(named) != 1:
            remedy = "write one of mutation, covariate or score"
            yield Problem(place, "divides by one thing", remedy)
            continue
        own = {named[0], *kinds[named[0]]}
        # The cut has a default, so it is there always.
        if set(rule) - {"cut"} != own - {"cut"}:
            remedy = f"write {', '.join(sorted(own - {'cut'}))}, and no more"
            yield Problem(place, f"does not say a {named[0]} in full", remedy)
        elif "covariate" in rule and rule["covariate"] not in covariates:
            remedy = nearest(rule["covariate"], covariates) if covariates else "declare it"
            yield Problem(f"{place}.covariate", "no such covariate", remedy, rule["covariate"])
        elif "mutation" in rule and "mutations" not in config:
            yield Problem("mutations", f"{place} needs it", "add it")
        elif _is_missing(rule, config):
            remedy = "name a table of areas, or add the block segmentation or scores"
            yield Problem("areas.path", f"{place} needs areas or scores", remedy)


def _is_missing(rule: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a comparison is by a score where nothing gives one; survival has more of them."""
    if "score" not in rule or rule["cut"] == BY_SURVIVAL:
        return False
    return not _has_areas(config) and not _has_scores(config)


def _model_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Cox models that cannot be: strata that make no groups, or a lasso that finds no place."""
    covariates = config["cohort"]["covariates"]
    for name, model in config.get("survival_models", {}).get("models", {}).items():
        place = f"survival_models.models.{name}"
        for stratum in model["strata"]:
            key = f"{place}.strata"
            if stratum not in covariates:
                remedy = nearest(stratum, covariates) if covariates else "declare it under cohort"
                yield Problem(key, "no such covariate", remedy, stratum)
            elif covariates[stratum]["type"] != "categorical":
                yield Problem(key, "its levels make no groups", "name a categorical one", stratum)
            elif stratum in model["covariates"]:
                remedy = "leave it out of one of them"
                yield Problem(key, "stands among the covariates too", remedy, stratum)
        if model["l1_ratio"] and not model["penalty"]:
            remedy = "give a penalty greater than 0, or leave out l1_ratio"
            yield Problem(f"{place}.l1_ratio", "no penalty to be part of", remedy)
        elif model["l1_ratio"] and model["strata"]:
            remedy = "write 0 (ridge), or leave out the strata"
            problem = "a lasso has no strata"
            yield Problem(f"{place}.l1_ratio", problem, remedy, model["l1_ratio"])


def _clinical_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Numbers that do not rise, and a model without covariates."""
    if "clinical_use" not in config:
        return
    block, covariates = config["clinical_use"], config["cohort"]["covariates"]
    if not covariates:
        remedy = "declare age, say"
        yield Problem("cohort.covariates", "the block clinical_use needs covariates", remedy)
    for name in block["scores"]:
        if name in covariates:
            remedy = "name the score that is weighed against the covariates"
            yield Problem("clinical_use.scores", "this is a covariate", remedy, name)
    for key in ("years", "cuts"):
        if sorted(set(block[key])) != block[key]:
            remedy = "write them in rising order, each once"
            yield Problem(f"clinical_use.{key}", "the numbers do not rise", remedy, block[key])


def _training_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Settings of the networks that do not go together."""
    if "segmentation" not in config:
        return
    segmentation = config["segmentation"]
    size = config.get("tilings", {}).get(segmentation["tiling"], {}).get("size", 0)
    blocks = {"segmentation.training": segmentation["training"]} | {
        f"segmentation.heads.{head}": {**segmentation["training"], **own}
        for head, own in segmentation["heads"].items()
    }
    for key, settings in blocks.items():
        yield from _network_problems(key, settings, size)
    if "tuning" in segmentation:
        yield from _tuning_problems(segmentation, size, config["seed"])


def _network_problems(key: str, settings: Mapping[str, Any], size: int) -> Iterator[Problem]:
    """Settings of one network that do not go together, or with tiles of this size."""
    crop = settings["crop"]
    if crop is not None and crop > size:
        remedy = f"choose at most {size}, or null for the whole tile"
        yield Problem(f"{key}.crop", "larger than the tiles", remedy, crop)
    if settings["encoder_frozen"] and settings["encoder_weights"] is None:
        problem = "an encoder that starts at random is to stay so"
        yield Problem(f"{key}.encoder_frozen", problem, "name encoder_weights")


def _tuning_problems(segmentation: Mapping[str, Any], size: int, seed: int) -> Iterator[Problem]:
    """A search that cannot be, or that draws what a training cannot be told."""
    tuning, training = segmentation["tuning"], segmentation["training"]
    if "pretrained" in segmentation:
        remedy = "leave out pretrained or the block tuning"
        yield Problem(
            "segmentation.pretrained", "models are both brought along and to be searched", remedy
        )
    if tuning["review"] == "required" and "verdicts" not in tuning:
        remedy = "write config/verdicts.tsv, say, where you will save the filled sheet"
        yield Problem("segmentation.tuning.verdicts", "the review needs it", remedy)
    for name, one in tuning["space"].items():
        key = f"segmentation.tuning.space.{name}"
        try:
            with_values(training, {name: None})
        except KeyError:
            yield Problem(key, "no such key of training", nearest(name, training))
            return
        if name in _NOT_DRAWN:
            yield Problem(key, "every trial starts from the same weights", "leave it out")
        ((kind, limits),) = one.items()
        if kind != "choices" and limits[0] >= limits[1]:
            yield Problem(key, "the first is not below the second", "exchange them", limits)
            return
    schema = read_schema("config")
    fits = jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/training"})
    for trial in range(1, tuning["trials"] + 1):
        key = f"segmentation.tuning.space, trial {trial}"
        settings = with_values(training, draw_trial(tuning["space"], trial, seed=seed))
        for error in fits.iter_errors(settings):
            path = ".".join(map(str, error.absolute_path))
            yield Problem(key, f"{path}: {error.message}", "mend its range", error.instance)
        yield from _network_problems(key, settings, size)
