"""Keys of the block traits that do not go together."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from histoniche.cohort.problem import Problem
from histoniche.cohort.schemas import nearest
from histoniche.cohort.trait_settings import (
    MIL,
    TILES,
    classes_in_config,
    settings_of,
    tiling_of,
)

_TAKEN = ("cartography", "chains", "heterogeneity", "maps")
"""Names of folders and files beside those of the traits."""

_MOST_TRAITS = 12
"""As `histoniche.traits.heterogeneity` counts combinations."""

# Percentiles are compared as decimals, so that 0.2 + 0.1 is 0.3.
_DIGITS = 9


def trait_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """All that a schema cannot see of the block traits."""
    if "traits" not in config:
        return
    traits = config["traits"]
    for name, trait in traits["named"].items():
        yield from _name_problems(name)
        yield from _label_problems(config, name, trait)
        yield from _method_problems(traits, name, trait)
        yield from _tiling_problems(config, name)
    yield from _round_problems(traits)
    yield from _pretrained_problems(traits)
    yield from _chain_problems(traits)
    yield from _heterogeneity_problems(config)
    yield from _comparison_problems(traits)


def _name_problems(name: str) -> Iterator[Problem]:
    """Names that the results use for something else."""
    if name in _TAKEN:
        yield Problem(f"traits.named.{name}", "the results have a folder of this name", "rename it")


def _label_problems(
    config: Mapping[str, Any], name: str, trait: Mapping[str, Any]
) -> Iterator[Problem]:
    """Classes that come from nowhere, from two places, or that cannot be told apart."""
    key = f"traits.named.{name}"
    named = [source for source in ("labels", "expression") if source in trait]
    brought = "pretrained" in config["traits"]
    if len(named) == 2 or (not named and not brought):
        problem = "needs either labels or expression"
        yield Problem(key, problem, "write one of them, say labels: {column: mgmt, classes: [...]}")
    if "expression" in trait:
        if "expression" not in config:
            yield Problem("expression", f"{key}.expression needs it", "add it")
        low, high, near = (trait["expression"][cut] for cut in ("low", "high", "near"))
        if not low < high or round(low + near, _DIGITS) > round(high - near, _DIGITS):
            remedy = "keep low below high, and near at most half of what is between"
            yield Problem(f"{key}.expression", "the cuts are out of order", remedy)
    if "labels" in trait:
        classes = trait["labels"]["classes"]
        held = classes.values() if isinstance(classes, Mapping) else [[one] for one in classes]
        values = [str(value) for own in held for value in own]
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            problem = "this value is in two classes"
            yield Problem(f"{key}.labels.classes", problem, "leave it in one", twice[0])


def _method_problems(
    traits: Mapping[str, Any], name: str, trait: Mapping[str, Any]
) -> Iterator[Problem]:
    """Settings of the method that a trait does not have, or that its own method lacks."""
    own, other = ("mil", "training") if trait["method"] == MIL else ("training", "mil")
    if other in trait:
        problem = f"the method {trait['method']} has no use for it"
        yield Problem(f"traits.named.{name}.{other}", problem, f"write {own}, or leave it out")
    if trait["method"] == MIL and "features" not in traits:
        remedy = "name an encoder, or write features: {} for the one of the environment"
        yield Problem("traits.features", f"the method mil of {name} needs it", remedy)


def _tiling_problems(config: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """Tilings that are not there or have no resolution, and crops larger than their tiles."""
    traits, tilings = config["traits"], config.get("tilings", {})
    trait, tiling = traits["named"][name], tiling_of(traits, name)
    key = f"traits.named.{name}.tiling" if "tiling" in trait else "traits.tiling"
    if tiling not in tilings:
        remedy = nearest(tiling, tilings) if tilings else "describe it under tilings"
        yield Problem(key, "no such tiling", remedy, tiling)
        return
    if "fit_px" in tilings[tiling]:
        problem = "its resolution differs from slide to slide"
        yield Problem(key, problem, "choose a tiling with mpp", tiling)
    if trait["method"] == TILES:
        settings, place = settings_of(traits, name), "traits.training"
        if "training" in trait:
            place = f"traits.named.{name}.training"
        size = tilings[tiling]["size"]
        if settings["crop"] is not None and settings["crop"] > size:
            remedy = f"choose at most {size}, or null for the whole tile"
            yield Problem(f"{place}.crop", "larger than the tiles", remedy, settings["crop"])
        if settings["frozen_epochs"] is None and settings["encoder_weights"] is None:
            problem = "an encoder that starts at random is to stay so"
            yield Problem(f"{place}.frozen_epochs", problem, "name encoder_weights")


def _round_problems(traits: Mapping[str, Any]) -> Iterator[Problem]:
    """Shares that leave nobody to learn from."""
    rounds = traits["rounds"]
    together = rounds["test"] + rounds["validation"]
    if rounds["method"] == "rounds" and together >= 1:
        remedy = "make test and validation smaller, say 0.1 each"
        yield Problem("traits.rounds", "no patient would train", remedy, together)


def _pretrained_problems(traits: Mapping[str, Any]) -> Iterator[Problem]:
    """What needs an evaluation, where models are brought along."""
    for key in ("chains", "comparisons") if "pretrained" in traits else ():
        if traits[key]:
            problem = "models are brought along, so nothing is evaluated"
            yield Problem(f"traits.{key}", problem, "leave it out, or leave out pretrained")


def _chain_problems(traits: Mapping[str, Any]) -> Iterator[Problem]:
    """Chains of traits or classes that there are not; how steps follow is checked by the job."""
    for name, chain in traits["chains"].items():
        key = f"traits.chains.{name}"
        members = {f"{key}.single": chain["single"]}
        members |= {f"{key}.steps.{trait}": trait for trait in chain["steps"]}
        for place, trait in members.items():
            yield from _tile_trait_problems(traits, place, trait)
        finals = classes_in_config(traits["named"].get(chain["single"], {}))
        for trait, groups in chain["steps"].items():
            place = f"{key}.steps.{trait}"
            known = classes_in_config(traits["named"].get(trait, {}))
            missing = [one for one in known if one not in map(str, groups)]
            if missing:
                problem = "a class of the trait is not in the step"
                yield Problem(place, problem, "say which classes it holds", missing[0])
            for group, held in groups.items():
                yield from _class_problems(place, str(group), known)
                for one in held:
                    yield from _class_problems(f"{place}.{group}", str(one), finals)


def _class_problems(key: str, name: str, known: list[str]) -> Iterator[Problem]:
    """A class that is not among those of its trait."""
    if name not in known:
        yield Problem(key, "no such class", nearest(name, known), name)


def _tile_trait_problems(traits: Mapping[str, Any], key: str, name: str) -> Iterator[Problem]:
    """A trait that is not there, or that has no answer on tiles."""
    named = traits["named"]
    if name not in named:
        yield Problem(key, "no such trait", nearest(name, named), name)
    elif named[name]["method"] != TILES:
        problem = "the method mil names whole slides, not their tiles"
        yield Problem(key, problem, "name a trait of the method tiles", name)


def _heterogeneity_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Indices of traits that share no grid or are not binary, or of a name that is taken."""
    traits, tilings = config["traits"], {}
    for name, index in traits["heterogeneity"].items():
        key = f"traits.heterogeneity.{name}"
        if len(index["traits"]) > _MOST_TRAITS:
            problem = f"{len(index['traits'])} traits have too many combinations"
            yield Problem(key, problem, f"name at most {_MOST_TRAITS}")
        for trait in index["traits"]:
            yield from _tile_trait_problems(traits, key, trait)
            classes = classes_in_config(traits["named"].get(trait, {}))
            if len(classes) > 2:
                problem = f"{len(classes)} classes are neither positive nor negative"
                yield Problem(key, problem, "merge them to two, or leave it out", trait)
            tilings[trait] = tiling_of(traits, trait)
            first = next(iter(tilings))
            if tilings[trait] != tilings[first]:
                problem = f"{first} is on the tiling {tilings[first]}, this on {tilings[trait]}"
                yield Problem(key, problem, "name traits of one tiling in all indices", trait)
        yield from _taken_problems(config, name)


def named_elsewhere(config: Mapping[str, Any]) -> dict[str, Collection[str]]:
    """Names of covariates, and of scores that the config lists, by where it lists them."""
    survival = config.get("survival", {"genes": [], "gene_sets": []})
    return {
        "cohort.covariates": config["cohort"]["covariates"],
        "areas.columns": config["areas"]["columns"],
        "survival.genes": survival["genes"],
        "survival.gene_sets": survival["gene_sets"],
    }


def _taken_problems(config: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """Names of indices that other scores or covariates have."""
    for place, names in named_elsewhere(config).items():
        if name in names:
            problem = f"{place} has this name too"
            yield Problem(f"traits.heterogeneity.{name}", problem, "rename one of them")


def _comparison_problems(traits: Mapping[str, Any]) -> Iterator[Problem]:
    """Comparisons of traits that there are not, or that do not tell the same classes."""
    named = traits["named"]
    for name, pair in traits["comparisons"].items():
        key = f"traits.comparisons.{name}"
        unknown = [side for side in ("first", "second") if pair[side] not in named]
        for side in unknown:
            remedy = nearest(pair[side], named)
            yield Problem(f"{key}.{side}", "no such trait", remedy, pair[side])
        if unknown:
            continue
        one, two = (named[pair[side]] for side in ("first", "second"))
        if pair["first"] == pair["second"]:
            remedy = "name a trait of the same labels that is trained in another way"
            yield Problem(key, "a trait is compared with itself", remedy, pair["first"])
        elif _labels(one) != _labels(two):
            problem = f"{pair['first']} and {pair['second']} have different labels"
            yield Problem(key, problem, "give both the same labels")


def _labels(trait: Mapping[str, Any]) -> tuple[object, ...]:
    """What a trait's labels are made of, and the order of its classes."""
    return trait.get("labels"), trait.get("expression"), classes_in_config(trait)
