"""What was done with traits, in words, from the settings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from histoniche.report.numbers import percent
from histoniche.report.results import Results
from histoniche.report.sections.trait_comparisons import TEST_NAMES
from histoniche.report.sections.trait_maps import set_aside
from histoniche.report.trait_settings import (
    bag_traits,
    folds,
    named_traits,
    run_tests,
    shows_cam,
    tile_traits,
    trained_elsewhere,
)
from histoniche.wording import count, join_words

_RULES = {
    "youden": "where Youden's index is best",
    "accuracy": "where most are called right",
    "f1": "where F1 is best",
}


def trait_methods(results: Results) -> Iterator[str]:
    """State how traits were learned, scored, measured and mapped, step by step."""
    if not results.block("traits"):
        return
    if trained_elsewhere(results):
        yield f"Networks trained elsewhere told {join_words(list(named_traits(results)))}."
    else:
        yield _labels(results)
        yield _division(results)
        yield from _tile_networks(results)
        yield from _bag_networks(results)
    yield from _scores(results)
    if results.has("trait_metrics"):
        yield from _measured(results)
    yield from _heterogeneity(results)


def trait_caveats(results: Results) -> Iterator[str]:
    """What the numbers on traits cannot tell."""
    if results.block("traits"):
        yield (
            "A trait's class was measured in the patient or the slide, never on a tile: a map "
            "shows where a network finds what goes with the class, not where the trait was seen."
        )


def _labels(results: Results) -> str:
    """Whence each trait's classes come."""
    parts, by_expression = [], False
    for name, own in named_traits(results).items():
        if expression := own.get("expression"):
            low, high, near = (f"{100 * float(expression[k]):g}" for k in ("low", "high", "near"))
            by_expression = True
            parts.append(
                f"{name} by the expression of {expression['gene']} (below the {low}th percentile "
                f"low, above the {high}th high, up to {near} percentiles from a cut OOD-near)"
            )
        elif labels := own.get("labels"):
            classes = join_words([str(label) for label in labels["classes"]])
            whose = labels.get("of", "patients")
            parts.append(f"{name} by the column `{labels['column']}` of the {whose} ({classes})")
    text = f"Traits: {'; '.join(parts)}."
    if by_expression:
        text += (
            " Percentiles are among the measured patients with a slide. Nobody between the cuts "
            "was learned from; there, above the median counts as high and below as low."
        )
    return text


def _division(results: Results) -> str:
    """How patients were divided."""
    rounds = results.block("traits").get("rounds") or {}
    stratified = rounds.get("stratify")
    evenly = f", spread evenly over {join_words(list(stratified))}" if stratified else ""
    if number := folds(results):
        return (
            f"The patients were divided once for all traits into {number} folds{evenly}. Each "
            "network learned from all folds but two: the next one chose its weights and its "
            "thresholds, and its own was tested, so that each patient is judged by the network "
            "that never saw them."
        )
    aside = len(set_aside(results))
    who = count(aside, "patient") if aside else f"{percent(rounds['test'])} of the patients"
    was = "was" if aside == 1 else "were"
    return (
        f"{who} {was} set aside to test, before any trait was looked at. The others were divided "
        f"{rounds.get('rounds', 5)} times anew, {percent(rounds.get('validation', 0.1))} of all to "
        f"validate and the rest to train, alike for all traits{evenly}."
    )


def _tile_networks(results: Results) -> Iterator[str]:
    """Networks of tiles and their training."""
    traits = tile_traits(results)
    if not traits:
        return
    block = results.block("traits")
    training = block.get("training") or {}
    tilings = {named_traits(results)[name].get("tiling", block.get("tiling")) for name in traits}
    weights = training.get("encoder_weights")
    start = f"from {Path(weights).name}" if weights else "at random"
    losses = join_words([str(loss).replace("_", " ") for loss in training.get("loss", [])])
    text = (
        f"A network of tiles a trait and round: {training.get('encoder')}, started {start}, on "
        f"{join_words([_tiles_of(results, tiling) for tiling in sorted(map(str, tilings))])}; "
        f"up to {training.get('epochs')} epochs on {losses}, batches of "
        f"{training.get('batch_size')}, optimiser {training.get('optimiser')}, learning rate "
        f"{training.get('learning_rate'):g}. {_kept(training)} Probabilities were calibrated by "
        "one temperature on the validation tiles."
    )
    special = [name for name in traits if named_traits(results)[name].get("training")]
    if special:
        text += f" With settings of their own: {join_words(special)}."
    yield text


def _bag_networks(results: Results) -> Iterator[str]:
    """Networks of whole slides."""
    traits = bag_traits(results)
    if not traits:
        return
    block = results.block("traits")
    settings, features = block.get("mil") or {}, block.get("features") or {}
    bag = "the slides of a patient" if settings.get("bag") == "patient" else "a slide"
    text = (
        f"{join_words(traits)}: gated attention (Ilse et al. 2018) over the tiles of {bag}, on "
        f"features of {features.get('encoder')}, whose weights were left as they were; up to "
        f"{settings.get('epochs')} epochs, optimiser {settings.get('optimiser')}, learning rate "
        f"{settings.get('learning_rate'):g}. {_kept(settings)}"
    )
    special = [name for name in traits if named_traits(results)[name].get("mil")]
    if special:
        text += f" With settings of their own: {join_words(special)}."
    yield text


def _kept(training: Mapping[str, Any]) -> str:
    """Which weights were kept, and when training stopped."""
    monitor = str(training.get("monitor", "validation_loss"))
    best = "lowest" if monitor.endswith("loss") else "highest"
    words = monitor.replace("_", " ").replace("auc", "AUC")
    return (
        f"The weights of the {best} {words} were kept; training stopped after "
        f"{count(int(training.get('patience', 0)), 'check')} without a better one."
    )


def _tiles_of(results: Results, name: str) -> str:
    """Tiles of one tiling."""
    tiling = results.block("tilings").get(name, {})
    if not tiling:
        return f"tiles of {name}"
    return f"tiles of {tiling.get('size')} px at {tiling.get('mpp', 0):g} µm per pixel"


def _scores(results: Results) -> Iterator[str]:
    """How tiles become slides and patients, and who votes."""
    scoring = results.block("traits").get("scoring") or {}
    if not scoring or trained_elsewhere(results):
        return
    text = ""
    if tile_traits(results):
        score = (
            "the mean probability of its tiles"
            if scoring.get("score") == "mean"
            else "the share of tiles that are called so"
        )
        text = f"Tiles were called {_threshold(scoring.get('tile_threshold', 'half'), 'tiles')}. "
        text += f"A slide's score is {score}. "
    text += (
        f"Slides were called {_threshold(scoring.get('slide_threshold', 'youden'), 'slides')}. "
        f"{_patient(scoring.get('patient', 'dx1'), 'score')}"
    )
    yield f"{text} {_vote(results, scoring)}"


def _threshold(name: str, things: str) -> str:
    """Above which score something is called positive."""
    if name in _RULES:
        chosen = f"{_RULES[name]} among the round's validation {things}"
        return f"positive above the threshold {chosen}, where there are two classes"
    return "by their highest score" if name == "argmax" else "positive above 0.5"


def _patient(rule: str, what: str) -> str:
    """Which slide stands for a patient."""
    if rule == "mean":
        return f"A patient's {what} is the mean over the slides."
    return f"A patient's {what} is that of the first diagnostic slide (DX1)."


def _vote(results: Results, scoring: Mapping[str, Any]) -> str:
    """Which networks vote, and how."""
    if folds(results):
        return (
            "Out of fold: every slide by the network that tests its patient, at that network's "
            "threshold. Networks of different folds are not on one scale, so that AUROC and rank "
            "correlation compare slides of the same fold alone (Parker et al. 2007)."
        )
    best = int(scoring.get("best", 3))
    rule = (
        "their mean probability decides"
        if scoring.get("vote") == "mean"
        else "the class that most of them call a tile wins"
    )
    return (
        f"The {count(best, 'round')} of highest AUROC on their own validation slides make the "
        f"ensemble: {rule}."
    )


def _measured(results: Results) -> Iterator[str]:
    """How well traits are told, and what was compared."""
    text = (
        "Accuracy: of the held-out patients alone, by tile (as of the slide's class), slide and "
        "patient; AUROC of the positive class, of more than two each against the rest with their "
        "mean, p by Mann and Whitney over patients; intervals: 95\u00a0% percentile bootstrap that "
        "draws patients with all they have."
    )
    if results.has("trait_agreement") and len(results.table("trait_agreement")):
        text += (
            " Spearman's correlation of the score with the measured percentile; Benjamini-Hochberg "
            "over the traits."
        )
    yield text
    if tests := run_tests(results):
        words = join_words([TEST_NAMES.get(test, test) for test in tests])
        yield (
            "Two trainings of the same labels, and chains of models beside a single one, were "
            f"compared by the test metrics of their rounds: {words}."
        )
    if shows_cam(results):
        which = "that tests the patient" if folds(results) else "of the best round"
        yield f"Where in a tile a network sees what it names: Grad-CAM of the network {which}."


def _heterogeneity(results: Results) -> Iterator[str]:
    """The heterogeneity index."""
    block = results.block("traits")
    if not results.has("heterogeneity"):
        return
    indices = [
        f"{name} of {join_words(list(own['traits']))}"
        for name, own in (block.get("heterogeneity") or {}).items()
    ]
    hti = block.get("hti") or {}
    among = (
        "All patients"
        if hti.get("among") == "all"
        else "Patients whom no network of its traits had seen"
    )
    yield (
        f"Heterogeneity index ({'; '.join(indices)}): HTI = −Σ p log_C p over the C = 2^k − 1 "
        "combinations of k traits that hold any, p the share of a combination among the tiles "
        "positive for any trait (Levy-Jurgenson et al. 2020). "
        f"{_patient(hti.get('patient', 'dx1'), 'index')} {among} entered survival."
    )
