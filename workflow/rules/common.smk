"""The checked study, its settings, and the versions of code, for all other files."""

import functools
import hashlib
import re
import sys
from errno import ENOENT
from pathlib import Path

CHECKOUT = Path(workflow.basedir)
# Every script imports the package from here, SLURM jobs and containers included.
sys.path.insert(0, str(CHECKOUT / "workflow"))

from snakemake.settings.types import DeploymentMethod

from histoniche.code_version import code_version
from histoniche.cohort.batches import batch_slides
from histoniche.cohort.images import folders_to_bind, images, show_to_containers
from histoniche.cohort.masks import decoding_mb, drawing_kind
from histoniche.cohort.named_files import is_file_of_weights
from histoniche.cohort.stages import Stage
from histoniche.cohort.study import read_study
from histoniche.errors import InputError
from histoniche.files import fingerprint, read_json
from histoniche.manifests import by_slide
from histoniche.imaging.prepared import Prepared
from histoniche.learning.published_weights import (
    encoder_settings,
    name_of_weights,
    needs_fetching,
)
from histoniche.slides.inspected import Inspected
from histoniche.slides.judging import judge

try:
    study = read_study(config, file=", ".join(map(str, workflow.configfiles)))
    if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:
        # A container sees the working directory, and of the rest what is named here.
        outside = folders_to_bind(
            study.config, [*study.slide_files, *study.scan_files], Path.cwd()
        )
        show_to_containers(outside)
except InputError as error:
    sys.exit(f"error: {error}")

# Defaults are filled in, so that a key left out equals its default written out.
config = dict(study.config)

BUNDLE = f"<results>/histoniche-{config['study']['name']}.crate.zip"
CONTAINERS = images(config, CHECKOUT)
HEADS = study.heads
# Folders of each head's models, one a fold.
MODELS = {head: study.models(head) for head in HEADS}
NETWORKS = [model for own in MODELS.values() for model in own]
REGIONS = study.regions
USED_SLIDES = list(study.used["slide"])
SLIDE_ROWS = {row.slide: row for row in study.used.itertuples(index=False)}
PALETTE = [region._asdict() for region in study.palette]
# A part of the palette, so that another name or colour re-runs only what shows it.
LABELS = [{"label": entry["label"], "region": entry["region"]} for entry in PALETTE]
SEGMENTATION = config.get("segmentation", {})
HAS_AREAS = bool(SEGMENTATION) or "path" in config["areas"]
# Risks that networks give, by the block they stem from.
RISK_SCORES = study.risk_scores
# Numbers of patients that analyses can go by: areas of regions, scores brought along, or risks.
HAS_SCORES = HAS_AREAS or study.has("scores") or bool(RISK_SCORES)
AREA_SURVIVAL = HAS_AREAS and study.has("survival")
ANNOTATED = [entry["slide"] for entry in study.annotated_slides]
# Tilings that decide whether a slide is usable.
JUDGED_TILINGS = (
    [SEGMENTATION["tiling"]] if SEGMENTATION else list(config.get("tilings", {}))
)
# Trials that are trained for each network; none where nothing is searched.
TRIALS = study.trials
LARGEST_MEM_MB = 256_000
LONGEST_MIN = 7 * 24 * 60


wildcard_constraints:
    slide=r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    tiling=r"[A-Za-z][A-Za-z0-9]{0,31}",
    head=r"[A-Za-z][A-Za-z0-9]{0,15}",
    fold=r"[0-9]+",
    trial=r"[0-9]+",
    batch=r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    round=r"[0-9]+",
    chain=r"[A-Za-z][A-Za-z0-9_]{0,31}",


def has(name):
    """Whether a block stands in the config, so that its stage runs."""
    return study.has(name)


def block(name):
    """A block of the config as plain values, or {} if it is missing."""
    return config.get(name, {})


def when(runs, **named):
    """What a stage leaves behind, by name, if it runs."""
    return named if runs else {}


def scaled(amount, largest=LARGEST_MEM_MB):
    """A resource that grows with each attempt, up to what a node has."""

    def resource(wildcards, attempt, rulename):
        return min(amount * shared_attempt(wildcards, attempt, rulename), largest)

    return resource


def shared_attempt(wildcards, attempt, rulename):
    """The attempt by which a job asks; that of all batches of a rule that are ready with it.

    They go to SLURM as one array, which asks for what one of them asks for. So a batch that
    failed gets its more, whoever is ready with it.
    """
    if "batch" not in wildcards.keys() or not workflow.is_main_process:
        return attempt
    if attempt > 1:
        # It was ready before, so that nothing else need have changed.
        ready_attempts.cache_clear()
    scheduler = workflow.scheduler
    finished = scheduler.finished_jobs if scheduler else 0
    latest = ready_attempts(finished, len(workflow.dag.ready_jobs))
    return max(attempt, latest.get(rulename, 1))


@functools.lru_cache(maxsize=1)
def ready_attempts(finished, ready):
    """The latest attempt of each rule's jobs that are ready, once so many are and have finished.

    What is ready for the first time became so when something else finished. So of ten thousand
    jobs that are ready together the first looks at all, and not each.
    """
    latest = {}
    for job in workflow.dag.ready_jobs:
        latest[job.name] = max(job.attempt, latest.get(job.name, 1))
    return latest


def growing(amount, each):
    """As `scaled`, with so many MB more for each MB that the job reads.

    Tables are packed on the disk: of counts as text a tenth of what they take in memory,
    of Parquet a half. `make bench-scale` measures how many times over the work holds them.
    """

    def memory(wildcards, input, attempt):
        return min(round(amount + each * input.size_mb) * attempt, LARGEST_MEM_MB)

    return memory


# For the same reason each batch asks for what the largest of them takes.
def scaled_with(mask, amount):
    """As `scaled`, with what decoding the largest of the slides' masks takes."""

    def memory(wildcards, attempt, rulename):
        whole = scaled(amount + largest_mask_mb(mask))
        return whole(wildcards, attempt, rulename)

    return memory


@functools.cache
def largest_mask_mb(mask):
    """Memory that decoding the largest mask of a column takes, in MB; 0 if there is none."""
    if not workflow.is_main_process:
        # What was asked for is granted; no job looks at the masks of all others again.
        return 0
    # Masks that are still to be fetched are small.
    there = [path for path in cells(USED_SLIDES, mask) if Path(path).exists()]
    return max((decoding_mb(Path(path)) for path in there), default=0)


def minutes(batches, first, each):
    """As `scaled`, time for the largest batch: for its first slide, and each further one."""
    most = max(map(len, batches.values()), default=1)
    return scaled(first + (most - 1) * each, LONGEST_MIN)


def batches(name):
    """Slides that share jobs, as a block of the config says."""
    own = block(name)
    return batch_slides(study.slide_groups, size=own["slides_per_job"]) if own else {}


def slide_row(slide):
    """A slide's row of the sheet."""
    return SLIDE_ROWS[slide]


def owners(slides):
    """Patient of each of some slides, in their order."""
    return {slide: slide_row(slide).patient for slide in slides}


@functools.cache
def slide_content(slide):
    """What a slide holds: by its source's list, else its fingerprint, read once for all rules."""
    path = slide_row(slide).path
    return study.coming.content(path) or fingerprint(Path(path))


def slide_verdicts(wildcards):
    """Status and reason of each inspected slide of a batch, as a param of what works on them.

    It takes no `input`: what a function derives from inputs does not count as a
    changed param. So another limit re-runs the batches with slides whose verdict it
    changes, and no others. A manifest that is not there yet Snakemake knows as to be
    determined; what an older version wrote is as good as not there, since its slides
    are inspected anew.
    """
    place = INSPECTED.manifest.format(batch=wildcards.batch)
    manifest = Path(place.replace("<results>", config["results"]))
    limits, verdicts = config["slides"]["limits"], {}
    if not manifest.is_file():
        raise FileNotFoundError(ENOENT, "not inspected yet", str(manifest))
    for slide, report in by_slide(
        [manifest], SLIDE_BATCHES[wildcards.batch], "{slide}/inspection.json"
    ).items():
        try:
            verdict = judge(read_json(report), limits)
        except (FileNotFoundError, KeyError) as error:
            raise FileNotFoundError(ENOENT, "not there", str(manifest)) from error
        verdicts[slide] = {"status": verdict.status, "reason": verdict.reason}
    return verdicts


def annotation_palette(slide):
    """What of the palette tells a slide's annotation; nothing if it has none."""
    annotation = optional(slide_row(slide).annotation)
    if not annotation:
        return []
    told_by = {"png": ["colour"], "geojson": ["region", "name"], "zarr": []}
    # Masks that are made of fetched pictures are PNG.
    made = study.coming.sources(annotation[0])
    kind = "png" if made else drawing_kind(Path(annotation[0]))
    keys = ["label", *told_by[kind]]
    return [{key: entry[key] for key in keys} for entry in PALETTE]


def environments_of_rules():
    """Environment of each rule, which its lock in `envs` pins."""
    return {
        one.name: Path(str(one.conda_env)).stem
        for one in workflow.rules
        if one.conda_env
    }


def unique(values):
    """Values in their order, each once."""
    return list(dict.fromkeys(values))


def optional(value):
    """An optional cell of a sheet as a list, as inputs and params want it."""
    return [] if value is None or value != value else [value]


def cells(slides, column):
    """Files that some slides name in a column of the sheet, those that name one."""
    return [
        path for slide in slides for path in optional(getattr(slide_row(slide), column))
    ]


def content_of_sources(paths):
    """Some files of a public cohort with what they hold, for what fetches them."""
    folder = study.coming.folder
    return {path: study.coming.content(f"{folder}/{path}") for path in sorted(paths)}


def fetched(part):
    """What filling the folder that a block names leaves behind; nothing if it is the user's own."""
    filled = study.coming.filled(block(part).get("path"))
    return [f"<results>/sources/{part}.json"] if filled else []


def files_in(path):
    """Files of a folder and of the folders in it; none if it is a file or not given."""
    if path is None or not Path(path).is_dir():
        return []
    return sorted(
        str(file)
        for pattern in ("*", "*/*")
        for file in Path(path).glob(pattern)
        if file.is_file()
    )


def force_lost(wildcards):
    """No input; jobs whose results somebody deleted slide by slide run as if by `--forcerun`.

    No rule declares those results, so that Snakemake by itself would not miss them.
    """
    lost = [path for stage in STAGES for path in stage.lost(config["results"])]
    workflow.dag.forcefiles.update(lost)
    return []


def waiting():
    """What the run waits for, and what to do, in words."""
    sheet = SEGMENTATION["tuning"]["verdicts"]
    return (
        f"The run waits for a pathologist's verdicts in {sheet}:\n"
        + "".join(f"  {one}\n" for one in study.awaited)
        + f"Open {config['results']}/review/review.html, copy {config['results']}/review/"
        f"verdicts.tsv to {sheet}, fill in its column verdict, and start the workflow again."
    )


def file_digest(path):
    """Digest of a file of the checkout that is neither code nor input, such as a template."""
    return hashlib.sha256((CHECKOUT / path).read_bytes()).hexdigest()[:16]


def training_settings(wildcards):
    """Settings of one network, files by their name alone."""
    return by_name(head_settings(wildcards))


def by_name(settings):
    """Settings of a network whose file of weights stands there by its name alone."""
    weights = settings["encoder_weights"]
    return {**settings, "encoder_weights": weights and Path(weights).name}


def file_of_weights(settings):
    """The file that an encoder starts from, as a list; empty if it needs none.

    It was brought along, or is fetched; what comes with the environment the job finds itself.
    """
    if needs_fetching(settings):
        return [f"{config['weights']}/{name_of_weights(settings)}.safetensors"]
    weights = settings["encoder_weights"]
    return [weights] if is_file_of_weights(weights) else []


def content_of_weights(settings):
    """Fingerprint of the file that an encoder starts from, as a list; unknown until it is there."""
    files = file_of_weights(settings)
    for file in files:
        if not Path(file).is_file():
            raise FileNotFoundError(ENOENT, "not fetched yet", file)
    return [fingerprint(Path(file)) for file in files]


def head_settings(wildcards):
    """Settings of one network: those of its head and, where trials are searched, its trial."""
    trial = wildcards.get("trial")
    return study.training_settings(wildcards.head, trial and int(trial))


def started_networks():
    """Settings of every network that starts a training, or that describes tiles."""
    if SEGMENTATION and "pretrained" not in SEGMENTATION:
        for head in HEADS:
            for trial in TRIALS or [None]:
                yield study.training_settings(head, trial)
    if has("traits"):
        if not study.brings_trait_models:
            yield from map(study.trait_settings, study.tile_traits)
        if study.bag_traits or has("slide_signature"):
            yield config["traits"]["features"]


def models_of(name):
    """A file of every network, trained here or brought along."""
    folder = SEGMENTATION.get("pretrained", "<results>/models")
    return [f"{folder}/{model}/{name}" for model in NETWORKS]


def trials_of(name):
    """A file of every trial of one network."""
    return expand(
        f"<results>/tuning/{{{{head}}}}/{{{{fold}}}}/{{trial}}/{name}", trial=TRIALS
    )


def trait_settings(wildcards):
    """Settings of a trait's network, files by their name alone."""
    return by_name(study.trait_settings(wildcards.trait))


def trait_columns(trait):
    """Columns of the sheet of patients that a trait goes by: one, or none."""
    labels = config["traits"]["named"][trait].get("labels", {})
    return [labels["column"]] if labels.get("of") == "patients" else []


def undeclared(columns):
    """Those columns of the sheet of patients that are no covariates, which it has anyway."""
    return sorted(set(columns) - set(config["cohort"]["covariates"]))


def trait_rows(trait, slides):
    """Rows of some slides, with the column of theirs that a trait goes by."""
    labels = config["traits"]["named"][trait].get("labels", {})
    own = [labels["column"]] if labels.get("of") == "slides" else []
    return study.used.loc[slides, ["slide", "patient", *own]].to_dict("records")


def trait_tiles(trait, slides=None):
    """Manifests of some slides' tiles, or of all, for the tiling of a trait."""
    return TILED[study.trait_tiling(trait)].manifests(slides)


def chain_traits(chain):
    """Traits of a chain's steps, then that of the single network beside it."""
    return [*study.chain_steps(chain), TRAITS["chains"][chain]["single"]]


def predictions_of(trait, slides=None):
    """Manifests of what a trait's networks found on some slides, or on all."""
    return PREDICTED[study.trait_tiling(trait)].manifests(slides)


def features_of(trait, slides=None):
    """Manifests of the features of some slides' tiles, or of all, for the tiling of a trait."""
    return ENCODED[study.trait_tiling(trait)].manifests(slides)


def trait_models(trait):
    """Descriptions of a trait's networks, trained here or brought along."""
    return expand(
        "{folder}/{trait}/{round}/model.json",
        folder=config["traits"].get("pretrained", "<results>/traits"),
        trait=trait,
        round=study.trait_rounds(trait),
    )


def risk_models(name):
    """Descriptions of the networks that give a risk, trained here or brought along."""
    if name not in RISK_SCORES:
        return []
    folder = config[name].get("pretrained", f"<results>/{name}/models")
    return [f"{folder}/{fold}/model.json" for fold in study.risk_folds(name)]


def scan_files(patient):
    """Files of a patient's scan that the sheet names, by their columns."""
    row = study.used_scans.loc[patient]
    return {
        name: row[name]
        for name in (
            "mask",
            "brain_mask",
            "dwi",
            "bvals",
            "bvecs",
            *config["imaging"]["maps"],
        )
        if name in row and optional(row[name])
    }


@functools.cache
def scan_content(patient):
    """Fingerprints of the files of a patient's scan, read once for all rules that want them."""
    return {name: fingerprint(Path(path)) for name, path in scan_files(patient).items()}


def excluded_scans():
    """Scans that a person left out: patient, reason."""
    rows = study.scans[study.scans["exclude"].notna()]
    return [
        {"patient": row.patient, "reason": row.exclude} for row in rows.itertuples()
    ]


def brought_choice(trait):
    """Which rounds of a trait vote, as finished models say that were brought along, as a list."""
    path = Path(config["traits"].get("pretrained", ""), trait, "choice.parquet")
    return [str(path)] if "pretrained" in config["traits"] and path.is_file() else []


def signature_features(slides=None):
    """Manifests of the features of some slides, or of all, that the slide signature looks at."""
    if not has("slide_signature"):
        return []
    return ENCODED[study.signature_tiling].manifests(slides)


def plain_paths(*paths):
    """Paths as text that does not tell whose outputs they are.

    Where a rule names another's output, Snakemake compares each of its inputs
    with the whole list: with files of ten thousand slides among them that
    takes longer than all the rest.
    """
    return [str(path) for path in paths]


def any_of(names):
    """A pattern for a wildcard that is one of some names."""
    return "|".join(map(re.escape, names)) or "none"


def figure(stem, category, ending=""):
    """Outputs of one figure: the drawing, and beside it the picture and the table."""
    place = f"<results>/figures/{stem}{ending}"
    return {
        stem: report(
            f"{place}.svg",
            caption=f"../report/figure_{stem}.rst",
            category=category,
        ),
        f"{stem}_png": f"{place}.png",
        f"{stem}_tsv": f"{place}.tsv",
    }


def figures(stem, category, names):
    """Outputs of figures of one kind, one a name, as lists."""
    own = [figure(stem, category, f"_{name}") for name in names]
    return {
        key: [one[key] for one in own] for key in (stem, f"{stem}_png", f"{stem}_tsv")
    }
