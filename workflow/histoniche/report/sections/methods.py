"""Section on methods, caveats, versions and references, written from the settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from histoniche.report.blocks import Block, Bullets, Heading, Paragraph, Section, table
from histoniche.report.measures import MEASURES
from histoniche.report.numbers import percent
from histoniche.report.results import Results
from histoniche.report.sections.citations import CITATIONS, cited
from histoniche.report.sections.molecular_methods import molecular_methods
from histoniche.report.sections.risk_methods import risk_caveats, risk_methods
from histoniche.report.sections.survival_methods import (
    clinical_methods,
    curves_methods,
    models_methods,
)
from histoniche.report.sections.trait_methods import trait_caveats, trait_methods
from histoniche.report.versions import software_versions
from histoniche.score_table import OWN
from histoniche.wording import count, join_words


def methods_section(results: Results, absent: Sequence[Section] = ()) -> Section:
    """State what was done with which settings, what it cannot tell, and with what software.

    `absent` are the parts of the workflow that did not run.
    """
    steps = [
        *_origin(results),
        *_slides(results),
        *_split(results),
        *_segmentation(results),
        *_areas(results),
        *trait_methods(results),
        *risk_methods(results),
        *molecular_methods(results),
        *_survival(results),
        *curves_methods(results),
        *models_methods(results),
        *clinical_methods(results),
        f"Every random step has its own generator, from the seed {results.settings.get('seed')}.",
    ]
    versions = [(name, version) for name, version in software_versions().items()]
    blocks: list[Block] = [
        *(Paragraph(step) for step in steps),
        *_absent(absent),
        Heading("What to keep in mind"),
        Bullets(list(_caveats(results))),
        Heading("References"),
        Bullets([CITATIONS[name] for name in cited(results)]),
        table("Software that made this page", ("package", "version"), versions),
    ]
    return Section("methods", "Methods and caveats", blocks)


def _absent(sections: Sequence[Section]) -> Iterator[Paragraph]:
    """What did not run, and why."""
    if sections:
        told = [f"{section.title} ({section.missing})" for section in sections]
        yield Paragraph(f"Not run: {'; '.join(told)}.", "muted")


def _origin(results: Results) -> Iterator[str]:
    """Where a public cohort comes from, and how cohorts were set beside each other."""
    if results.has("cohort_decisions"):
        yield (
            "Patients, slides and files come from public sources and were chosen by rules, which "
            "stand in cohort/rules.txt with what became of each; every file was checked against "
            "its md5."
        )
    if results.has("balance", "follow_up") and len(results.table("follow_up")) > 1:
        yield (
            "Training and validation cohorts were compared by standardised differences, medians "
            "by Wilcoxon's or Kruskal-Wallis's test, shares by the χ² or Fisher's test and "
            "survival by the log-rank test, with Benjamini-Hochberg correction."
        )


def _slides(results: Results) -> Iterator[str]:
    """Quality control and tiling."""
    if not results.has("quality"):
        return
    tissue = results.block("slides").get("tissue", "otsu")
    bad = (
        "was listed and left out"
        if results.settings.get("on_bad_slide") == "skip"
        else "stopped the run"
    )
    yield (
        "Slides were inspected at their own resolution in µm per pixel; tissue was told from "
        f"glass by the method `{tissue}`. A slide that could not be used {bad}. Pen ink, folds, "
        "bubbles, overstained and out-of-focus tissue were found by rules on colour and sharpness."
    )


def _split(results: Results) -> Iterator[str]:
    """How patients were divided."""
    if not results.has("split"):
        return
    split = results.block("split")
    counts = results.table("split")["role"].value_counts()
    if results.block("segmentation").get("pretrained"):
        yield (
            f"Of the annotated patients, {counts.get('apply', 0)} are, by their ids, none of "
            "those on whom the networks were trained or chosen; accuracy is that of theirs alone."
        )
        return
    if split.get("method") == "kfold" and split.get("fold") is None:
        yield (
            f"The {counts.get('test', 0)} annotated patients were divided into {split['folds']} "
            "folds. For each fold a network was trained on the others, of which one chose its "
            "epoch and its temperature; the fold's own patients it found the regions of. In "
            "patients without annotation the probabilities of all networks were averaged."
        )
        return
    sizes = ", ".join(
        f"{counts[role]} {words}"
        for role, words in (
            ("train", "to train"),
            ("validation", "to validate"),
            ("test", "to test"),
        )
        if role in counts.index
    )
    method = split.get("method")
    if method == "ratio":
        shares = " : ".join(f"{share:g}" for share in split.get("ratio", []))
        how = f"at random in the ratio {shares}"
    elif method == "kfold":
        how = f"into {split['folds']} folds, of which fold {split['fold']} was the test"
    else:
        how = "as the sheet of slides says"
    yield f"Annotated patients were divided {how}: {sizes or 'nobody'}."


def _segmentation(results: Results) -> Iterator[str]:
    """Networks and their training."""
    settings = results.block("segmentation")
    if not settings:
        return
    tiling = results.block("tilings").get(str(settings.get("tiling")), {})
    scale = (
        f"of slides scaled to {tiling['fit_px']} px"
        if tiling.get("fit_px")
        else f"at {tiling.get('mpp', 0):g} µm per pixel"
    )
    where = f"on tiles of {tiling.get('size')} px {scale}"
    if settings.get("pretrained"):
        yield f"Regions were found by networks trained elsewhere, {where}."
        return
    training = settings.get("training", {})
    weights = training.get("encoder_weights")
    start = f"started from {Path(weights).name}" if weights else "started at random"
    network = (
        "one network for all regions"
        if settings.get("strategy") == "joint"
        else "one network a region, fused by calibrated probability"
    )
    if training.get("encoder_frozen"):
        start += " and left as it was"
    losses = join_words([str(loss).replace("_", " ") for loss in training.get("loss", [])])
    yield (
        f"Regions were found by {network} ({training.get('architecture')} with the encoder "
        f"{training.get('encoder')}, {start}), {where}. Training ran up to "
        f"{training.get('epochs')} epochs on {losses} and stopped after {training.get('patience')} "
        f"epochs without a better validation loss; optimiser {training.get('optimiser')}, learning "
        f"rate {training.get('learning_rate'):g}, {training['schedule']['name']} schedule."
    )
    if tuning := settings.get("tuning"):
        yield (
            f"Of these settings {join_words(sorted(tuning['space']))} were drawn at random "
            f"{tuning['trials']} times for each network, and the trial with the best "
            f"{tuning['choose'].replace('_', ' ')} was taken"
            + (
                " among those that a pathologist accepted."
                if tuning["review"] == "required"
                else "."
            )
        )
    changes = [
        name.replace("_", " ")
        for name, change in training["augment"].items()
        if change["probability"] > 0
    ]
    if changes:
        yield f"Training tiles were changed at random in {join_words(changes)}."
    if settings.get("heads"):
        yield f"Heads with settings of their own: {join_words(sorted(settings['heads']))}."


def _areas(results: Results) -> Iterator[str]:
    """What the statistics call area."""
    if results.has("areas"):
        name, unit = MEASURES[results.block("areas").get("measure", "area_mm2")]
        yield f"Area in the statistics: {name.lower()} ({unit}), mean over a patient's sections."
    if results.has("scores"):
        scores = results.table("scores")
        known = scores[(scores["kind"] == OWN) & scores["value"].notna()]
        counts = known.groupby("score", sort=False).size()
        words = join_words([f"{name} ({count(size, 'patient')})" for name, size in counts.items()])
        yield f"Scores brought along: {words}."


def _survival(results: Results) -> Iterator[str]:
    """Curves, models, correlations."""
    if not results.has("cox"):
        return
    settings = results.block("survival")
    cut = settings.get("cut", 0.5)
    level = percent(settings.get("confidence", 0.95))
    where = "median" if cut == 0.5 else f"{percent(cut)} quantile"
    covariates = settings.get("covariates", list(results.block("cohort").get("covariates", {})))
    adjusted = (
        f"adjusted for {join_words(list(covariates))}" if covariates else "without covariates"
    )
    yield (
        f"Survival: Kaplan-Meier curves and log-rank tests of groups divided at the {where}; Cox "
        f"models (Efron's ties) of each area per standard deviation, alone and {adjusted} on "
        "complete cases; Schoenfeld tests of proportional hazards; Pearson and Spearman "
        "correlation of area with the observed time, with and without outliers by Grubbs' test. "
        f"Intervals: {level}."
    )


def _caveats(results: Results) -> Iterator[str]:
    """What the numbers cannot tell."""
    yield (
        "p is for one test; q allows for the tests made beside it. Read q, or the effect with its "
        "interval, before a small p."
    )
    if results.has("areas"):
        yield (
            "A section shows what the surgeon took and the pathologist cut: areas depend on "
            "sampling, peripheral regions most of all."
        )
    if results.has("metrics"):
        yield (
            "Accuracy holds for slides like the annotated ones. Other scanners, stains and centres "
            "need their own check."
        )
    yield from trait_caveats(results)
    yield from risk_caveats(results)
    if results.has("signatures"):
        yield (
            "Expression comes from bulk tissue that need not be the section on the slide; a "
            "correlation over patients is not a measurement in the region."
        )
    if results.has("cox"):
        patients = int(results.table("patients")["time_days"].notna().sum())
        alone = not results.has("follow_up") or len(results.table("follow_up")) < 2
        yield (
            f"{count(patients, 'patient')} with known survival: associations, not causes"
            + (", and not validated in a second cohort." if alone else ".")
        )
    yield "For research. Not for decisions on a patient's treatment."
