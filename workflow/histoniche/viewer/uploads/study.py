"""The study of one upload: its slide, and the finished models of the run that is shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.named_files import is_file_of_weights
from histoniche.cohort.palette import JOINT, find_palette, read_palette
from histoniche.cohort.places import fill_in_paths
from histoniche.cohort.risk_settings import SLIDES, signature_tiling
from histoniche.cohort.segmentation_settings import brought_models
from histoniche.cohort.trait_settings import MIL, tiling_of
from histoniche.errors import InputError
from histoniche.files import write_text
from histoniche.viewer.uploads.stages import Stage, Works, stages_of
from histoniche.viewer.uploads.store import Upload

CONFIG = "config.yaml"
RESULTS = "results"

# Of these blocks what says how models are applied; the rest is about training and evaluation.
_OF_SEGMENTATION = ("tiling", "strategy", "pretrained", "application", "map")
_OF_TRAITS = ("tiling", "pretrained", "features", "scoring", "heterogeneity", "hti")
_OF_TRAIT = ("method", "tiling", "mil")
_OF_SIGNATURE = ("score", "tiling")


class Plan(NamedTuple):
    """What is run on each upload."""

    config: Mapping[str, Any]
    """Of the study of a single slide, every path absolute."""
    tilings: list[str]
    """Tilings that it is cut into."""
    works: Works
    """What networks do with it."""

    def stages(self, upload: Upload) -> list[Stage]:
        """What happens to an upload, in order."""
        return stages_of(upload.id, tilings=self.tilings, works=self.works)

    def write(self, upload: Upload, slide: Path) -> None:
        """Write configuration and sheets beside the slide.

        Parameters
        ----------
        upload
            What was sent.
        slide
            Its file, in the study's folder.
        """
        folder = slide.parent
        mpp = "" if upload.mpp is None else str(upload.mpp)
        row = f"{upload.id}\t{upload.id}\t{slide}\t{mpp}\tapply\n"
        write_text(f"slide\tpatient\tpath\tmpp\trole\n{row}", folder / "slides.tsv")
        write_text(f"patient\n{upload.id}\n", folder / "patients.tsv")
        # Last, since a folder that has it is complete.
        write_text(yaml.safe_dump(dict(self.config)), folder / CONFIG)


def plan_study(config: Path, results: Path) -> Plan:
    """Plan what is run on each upload from the configuration of a finished run.

    Slides are cut, segmented and told as in that run, by its models; nothing is trained,
    evaluated or compared.

    Parameters
    ----------
    config
        Configuration of the run; paths in it start from the working directory.
    results
        Its results, with the models.

    Raises
    ------
    InputError
        If it has no finished models.
    """
    read = yaml.safe_load(config.read_text(encoding="utf-8"))
    run = fill_in_paths(check_config(read, file=str(config)), str(config))
    planned: dict[str, Any] = {
        "study": {"name": "upload", "title": "Uploaded slide"},
        "results": RESULTS,
        "on_bad_slide": "skip",
        "seed": run["seed"],
        "palette": _palette(run["palette"]),
        "weights": _absolute(run["weights"]),
        "containers": {name: _image(place) for name, place in run["containers"].items()},
        "cohort": {"slides": "slides.tsv", "patients": "patients.tsv", "root": "."},
        "slides": {**run["slides"], "slides_per_job": 1},
    }
    if "segmentation" in run:
        planned["segmentation"] = _segmentation(run, results, config)
    if "traits" in run:
        planned["traits"] = _traits(run["traits"], results, config)
    if SLIDES in run:
        planned[SLIDES] = _slide_signature(run[SLIDES], results, config)
    works = _works(planned)
    tilings = [planned["segmentation"]["tiling"]] if works.segments else []
    tilings += [*works.told, *works.described]
    if not tilings:
        raise InputError(
            "the run has neither the block segmentation nor traits, so no models for slides",
            file=config,
            remedy="leave --uploads out, or show the results of a run that has",
        )
    used = list(dict.fromkeys(tilings))
    planned["tilings"] = {name: _tiling(run["tilings"][name]) for name in used}
    # Whatever the schema holds against it is said now, and not to those who upload.
    check_config(planned, file=str(config))
    return Plan(planned, used, works)


def _works(planned: Mapping[str, Any]) -> Works:
    """What networks do in a study; each tiling once."""
    traits = planned.get("traits", {"named": {}})
    told, described, attended = [], [], []
    for name, trait in traits["named"].items():
        tiling = tiling_of(traits, name)
        if trait["method"] == MIL:
            described.append(tiling)
            attended.append(name)
        else:
            told.append(tiling)
    if SLIDES in planned:
        described.append(signature_tiling(planned))
    return Works(
        segments="segmentation" in planned,
        told=list(dict.fromkeys(told)),
        described=list(dict.fromkeys(described)),
        attended=attended,
        signs=SLIDES in planned,
    )


def _segmentation(run: Mapping[str, Any], results: Path, config: Path) -> dict[str, Any]:
    """The block `segmentation`, with finished models."""
    block = run["segmentation"]
    models = Path(_absolute(block.get("pretrained", str(results / "models"))))
    regions = [one.region for one in read_palette(find_palette(run["palette"]))[1:]]
    for head in [JOINT] if block["strategy"] == "joint" else regions:
        own = brought_models(models, head)
        _check_models([models / model for model in own], models / head, config)
    kept = {name: block[name] for name in _OF_SEGMENTATION if name in block}
    return {**kept, "pretrained": str(models), "slides_per_job": 1}


def _traits(block: Mapping[str, Any], results: Path, config: Path) -> dict[str, Any]:
    """The block `traits`, with finished models, which know the classes themselves."""
    models = Path(_absolute(block.get("pretrained", str(results / "traits"))))
    for name in block["named"]:
        own = [path.parent for path in (models / name).glob("*/model.json")]
        _check_models(own, models / name, config)
    kept = {name: block[name] for name in _OF_TRAITS if name in block}
    if "features" in kept:
        kept["features"] = _features(kept["features"])
    named = {
        name: {key: trait[key] for key in _OF_TRAIT if key in trait}
        for name, trait in block["named"].items()
    }
    return {**kept, "pretrained": str(models), "named": named, "slides_per_job": 1}


def _slide_signature(block: Mapping[str, Any], results: Path, config: Path) -> dict[str, Any]:
    """The block `slide_signature`, with finished models, whose risk needs no follow-up."""
    models = Path(_absolute(block.get("pretrained", str(results / SLIDES / "models"))))
    _check_models([path.parent for path in models.glob("*/model.json")], models, config)
    return {**{key: block[key] for key in _OF_SIGNATURE if key in block}, "pretrained": str(models)}


def _check_models(models: list[Path], place: Path, config: Path) -> None:
    """There are models, and they are whole."""
    if not models or not all((model / "model.safetensors").is_file() for model in models):
        raise InputError(
            "the run has no finished models here, so uploads cannot be run through it",
            file=config,
            value=str(place),
            remedy="let the run come to its end, or leave --uploads out",
        )


def _tiling(block: Mapping[str, Any]) -> dict[str, Any]:
    """A tiling whose reference of the stain is found from anywhere."""
    stain = dict(block["stain"])
    if "reference" in stain:
        stain["reference"] = _absolute(stain["reference"])
    return {**block, "stain": stain}


def _features(block: Mapping[str, Any]) -> dict[str, Any]:
    """An encoder whose weights are found from anywhere."""
    weights = block["encoder_weights"]
    if not is_file_of_weights(weights):
        return dict(block)
    return {**block, "encoder_weights": _absolute(weights)}


def _palette(name: str) -> str:
    """A palette by its name, or by its place if it is the user's own."""
    place = find_palette(name)
    return _absolute(name) if place == Path(name) else name


def _image(place: str | None) -> str | None:
    """An image's address as it is, or its place."""
    return place if place is None or "://" in place else _absolute(place)


def _absolute(path: str) -> str:
    """A path that is found from any folder."""
    return str(Path(path).resolve())
