"""What was done for signatures learned from survival, in words, from the settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.report.numbers import percent
from histoniche.report.results import Results
from histoniche.report.risk_settings import Signature, signatures_of
from histoniche.report.risks import Q_WORDS
from histoniche.wording import count, join_words

_UNITS = {"mm2/s": "mm²/s", "um2/ms": "µm²/ms", "1e-6 mm2/s": "10⁻⁶ mm²/s"}
_TIES = {"efron": "Efron's", "breslow": "Breslow's"}


def risk_methods(results: Results) -> Iterator[str]:
    """State how risks were learned, measured and explained, step by step."""
    found = signatures_of(results)
    for one in found:
        if one.block == "imaging":
            yield _scans(one.settings)
        yield _network(results, one)
    if found:
        yield _measured(found[0].settings)
    for one in found:
        if one.block == "imaging" and results.has("activation_groups"):
            yield _activation(results, one.settings)


def risk_caveats(results: Results) -> Iterator[str]:
    """What the numbers on learned risks cannot tell."""
    found = signatures_of(results)
    if not found:
        return
    yield (
        "A risk that a network gives is a rank among patients, not a probability of death, and "
        "holds for scanners, stains and treatments like those it learned from."
    )
    if any(one.settings.get("folds") for one in found):
        yield (
            "Risks of a cross-validation come from several networks: what is computed from all of "
            "them together is not what one network would do."
        )
    if any(one.block == "imaging" for one in found):
        yield (
            "Diffusion measures depend on scanner and sequence; a cohort scanned otherwise needs "
            "its own check."
        )


def _scans(settings: Mapping[str, Any]) -> str:
    """What the network saw of a scan."""
    sample = settings.get("sample") or {}
    maps = [str(name) for name in settings.get("maps", [])]
    unit = str(settings.get("unit", "mm2/s"))
    slices = int(sample.get("slices", 4))
    margin = float(sample.get("margin", 0))
    around = f" with {margin:g} mm around it" if margin else ""
    bad = "was left out" if settings.get("on_bad_scan", "skip") == "skip" else "stopped the run"
    return (
        f"Scans: {join_words(maps)} (diffusivities stated in {_UNITS.get(unit, unit)}), brought to "
        "one orientation; where raw diffusion volumes were given, the tensor was fitted by "
        "weighted least squares (dipy). Grid, mask and values were checked; a scan that failed "
        f"{bad}. Of the box around the tumour{around}, {count(slices, 'axial slice')} at equal "
        f"distances were cut out and brought to {sample.get('side', 128)} pixels a side, as Yan et "
        f"al. 2021 did: {slices * len(maps)} images a patient. Each map was normalised by mean and "
        "standard deviation of the training patients."
    )


def _network(results: Results, one: Signature) -> str:
    """Network and training of one signature."""
    training = one.settings.get("training") or {}
    if one.settings.get("pretrained"):
        return f"{one.score}: {one.words} by networks trained elsewhere."
    ties = _TIES.get(str(training.get("ties", "efron")), "Efron's")
    if one.block == "imaging":
        depth = training.get("depth")
        part = f", down to maps of 1/{2**depth} of the side" if depth else ""
        what = (
            f"{training.get('network')}{part}, started at random, over each slice with its maps as "
            "channels, and the mean over the slices"
        )
    else:
        encoder = (results.block("traits").get("features") or {}).get("encoder", "an encoder")
        what = (
            "gated attention (Ilse et al. 2018) over the tiles of all slides of a patient, on "
            f"features of {encoder}"
        )
    text = (
        f"{one.score}: {what}; one output, the log hazard, learned by Cox's partial likelihood "
        f"with {ties} ties over the patients of a batch of {training.get('batch_size')}; up to "
        f"{training.get('epochs')} epochs, optimiser {training.get('optimiser')}, learning rate "
        f"{training.get('learning_rate'):g}, weight decay {training.get('weight_decay'):g}. The "
        f"weights of the {_best(training)} were kept; training stopped after "
        f"{count(int(training.get('patience', 0)), 'epoch')} without a better one."
    )
    changes = [
        name for name, own in (training.get("augment") or {}).items() if own.get("probability", 0)
    ]
    if changes:
        text += f" Training samples were changed at random: {join_words(changes)}."
    return f"{text} The score is the logistic function of the log hazard less {_origin(one)}."


def _best(training: Mapping[str, Any]) -> str:
    """Which epoch was kept."""
    monitor = str(training.get("monitor", "validation_loss"))
    best = "lowest" if monitor.endswith("loss") else "highest"
    return f"{best} {monitor.replace('_', ' ')}"


def _origin(one: Signature) -> str:
    """Of whom the middle of the scale is."""
    if one.settings.get("folds"):
        return "the mean of the fold's training patients; others have the mean of all networks"
    return "the mean of the training patients"


def _measured(settings: Mapping[str, Any]) -> str:
    """How well a risk was measured to tell."""
    own = settings.get("evaluation") or {}
    return (
        "Worth of a risk: Harrell's concordance by cohort, with "
        f"{percent(own.get('confidence', 0.95))} percentile interval over "
        f"{own.get('bootstraps', 1000):,} bootstrap samples of the patients, and two-sided p of as "
        "many permutations of the risks; patients of a cross-validation are compared, drawn and "
        f"permuted within their fold. {Q_WORDS}"
    )


def _activation(results: Results, settings: Mapping[str, Any]) -> str:
    """How it was found where networks look."""
    share = percent((settings.get("activation") or {}).get("share", 0.2))
    groups = results.table("activation_groups")
    frozen = len(groups) > 0 and (groups["rule"] == "frozen").all()
    cut = "the frozen cut-point" if frozen else "the median risk of the training patients"
    return (
        "What drew the networks to a risk: class activation maps (Zhou et al. 2016), those of each "
        f"patient by the networks that had not seen them; the {share} of the slices with the "
        "highest activation count as highlighted. The mean of each map there was compared between "
        f"patients above and up to {cut}: Wilcoxon-Mann-Whitney test, Hodges and Lehmann's "
        "difference, Benjamini-Hochberg over the maps."
    )
