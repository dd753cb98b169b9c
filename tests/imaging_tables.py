"""Tables and samples of an imaging signature as its stage leaves them, made up."""

from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from histoniche.imaging.quality_table import median_column
from histoniche.imaging.samples import Sample, write_sample

MAPS = ["FA", "MD", "AD", "RD"]
_MEANS = {"FA": 0.2, "MD": 1.2, "AD": 1.5, "RD": 1.0}
COHORTS = {"training": 60, "tuning": 20, "internal": 30, "external": 25}
ROLES = {"training": "train", "tuning": "validation", "internal": "test", "external": "test"}


def risks(*, cohorts=COHORTS, folds=0, score="dls", seed=0):
    """Scores and follow-up of patients whose hazard follows their risk; three have no follow-up."""
    rng = np.random.default_rng(seed)
    rows = []
    for cohort, size in cohorts.items():
        for number in range(size):
            log_hazard = rng.normal()
            time = rng.exponential(900 * np.exp(-log_hazard))
            crossed = bool(folds) and cohort in ("training", "tuning")
            known = number != 1 or cohort == "training"
            rows.append(
                {
                    "patient": f"{cohort[:2].upper()}-{number:03d}",
                    "cohort": cohort,
                    "role": "test" if crossed else "apply" if folds else ROLES[cohort],
                    "fold": number % folds if crossed else None,
                    "time_days": min(time, 1500.0) if known else np.nan,
                    "event": int(time < 1500) if known else None,
                    "log_hazard": log_hazard,
                    score: 1 / (1 + np.exp(-log_hazard)),
                }
            )
    table = pd.DataFrame(rows).astype({"fold": "Int64", "event": "Int64"})
    keys = ["patient", "cohort", "role", "fold"]
    return table[[*keys, "log_hazard", score]], table[["patient", "time_days", "event"]]


def performance(*, cohorts=COHORTS, folds=0, shift=0.0):
    """Concordance by cohort; of a cross-validation over all folds and in each."""
    rows = []
    if folds:
        held = cohorts["training"] + cohorts.get("tuning", 0)
        rows.append(("all folds", None, held, held // 2, 0, 0.71, 0.64, 0.78, 0.002))
        rows += [
            ("all folds", k, held // folds, held // folds // 2, 0, 0.6 + 0.04 * k, 0.5, 0.86, 0.1)
            for k in range(folds)
        ]
    for k, (cohort, size) in enumerate(cohorts.items()):
        learned = cohort in ("training", "tuning")
        if not (folds and learned):
            value = 0.86 - 0.05 * k
            ends = (value, value - 0.09, value + 0.08, 0.004)
            rows.append((cohort, None, size, size // 2, size * learned, *ends))
    columns = ["cohort", "fold", "patients", "events", "seen", "concordance", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})
    table[["concordance", "low", "high"]] -= shift
    return table


def quality(*, cohorts=COHORTS, bad=("no tumour: the mask is empty", "FA above 1: 1.7"), seed=0):
    """A row a scan, the first of the first cohort not usable."""
    rng = np.random.default_rng(seed)
    rows = []
    for cohort, size in cohorts.items():
        for number in range(size):
            reason = bad[number] if cohort == "training" and number < len(bad) else ""
            row = {"patient": f"{cohort[:2].upper()}-{number:03d}", "cohort": cohort,
                   "status": "bad" if reason else "ok", "reason": reason, "slices": 4,
                   "tumour_mm3": rng.uniform(5e3, 9e4)}  # fmt: skip
            row |= {
                median_column(name): np.nan if reason else mean * rng.normal(1, 0.1)
                for name, mean in _MEANS.items()
            }
            rows.append(row)
    return pd.DataFrame(rows)


def make_sample(path: Path, *, seed=0, side=48, slices=4):
    """A round tumour of low FA with a rim, and an activation that is highest on the rim."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    images, tumour, activation = [], [], []
    for number in range(slices):
        radius = np.hypot(x * rng.uniform(0.9, 1.1), y) / side + 0.03 * abs(number - 1.5)
        inside, rim = radius < 0.36, np.exp(-(((radius - 0.34) / 0.07) ** 2))
        base = np.where(inside, 0.6, 1.1) + 0.5 * rim + rng.normal(0, 0.05, radius.shape)
        images.append([base * mean for mean in _MEANS.values()])
        tumour.append(inside)
        activation.append(np.clip(rim * (0.6 + 0.4 * x / side), 0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sample(
        Sample(
            np.array(images, dtype=np.float32).reshape(slices, len(MAPS), side, side),
            np.array(tumour, dtype=np.uint8).reshape(slices, side, side),
            np.arange(20, 20 + 3 * slices, 3, dtype=np.int32),
            pixel_mm=0.9,
        ),
        path,
    )
    place = path.with_name("activation.safetensors")
    array = np.array(activation, dtype=np.float32).reshape(slices, side, side)
    save_file({"activation": array}, place)
    return place


def activation(scores, *, score="dls", cut=0.5, seed=0):
    """Means of the maps where the network looks by patient, its zones, and tests of the groups."""
    rng = np.random.default_rng(seed)
    rows, zones, tests = [], [], []
    for k, name in enumerate(MAPS):
        shift = 0.2 if name == "FA" else 0.02
        for patient, risk in zip(scores["patient"], scores[score], strict=True):
            value = _MEANS[name] * (1 + shift * (risk > cut) + rng.normal(0, 0.15))
            rows.append((patient, name, value, value * 0.9, 0.6))
        high = int(sum(scores[score] > cut))
        sizes = (high, len(scores) - high, 0.2, 0.1, 0.2, 0.1)
        ends = (0.04 / (k + 1), 0.01, 0.07, 0.001 * 8**k, 0.002 * 8**k)
        tests.append((name, "frozen", cut, *sizes, *ends))
    for patient in scores["patient"]:
        share = rng.uniform(0.4, 0.8)
        parts = (("core", 0.3, 0.5 * (1 - share)), ("margin", 0.2, share))
        for zone, area, part in (*parts, ("outside", 0.5, 0.5 * (1 - share))):
            zones.append((patient, zone, area, part, part))
    values = pd.DataFrame(
        rows, columns=["patient", "map", "inside", "outside", "highlighted_share_margin"]
    )
    where = pd.DataFrame(zones, columns=["patient", "zone", "share", "activation", "highlighted"])
    heads = ["map", "rule", "cut", "n_high", "n_low", "mean_high", "mean_low", "median_high",
             "median_low", "difference", "difference_low", "difference_high", "p", "q"]  # fmt: skip
    return values, where, pd.DataFrame(tests, columns=heads).assign(n_seen=0)


TRAINING = {
    "network": "resnet34", "ties": "efron", "epochs": 100, "patience": 20, "batch_size": 64,
    "monitor": "validation_loss", "optimiser": "adamw", "learning_rate": 0.001,
    "weight_decay": 0.0001,
    "augment": {"flip": {"probability": 0.5}, "affine": {"probability": 0.0}},
}  # fmt: skip
IMAGING = {
    "scans": "scans.tsv", "score": "dls", "maps": MAPS, "unit": "mm2/s", "on_bad_scan": "skip",
    "sample": {"slices": 4, "side": 128, "margin": 0}, "folds": None, "training": TRAINING,
    "evaluation": {"bootstraps": 1000, "confidence": 0.95},
    "activation": {"share": 0.2, "examples": 4},
}  # fmt: skip
"""The block `imaging` of a configuration, its defaults filled in."""
SLIDES = {
    "score": "slide_signature", "folds": None, "training": {**TRAINING, "augment": {}},
    "evaluation": IMAGING["evaluation"],
}  # fmt: skip
"""The block `slide_signature`."""


def division(scores, patients, *, folds=0):
    """Who trained, chose or, in a cross-validation, tested the networks, with follow-up."""
    roles = ["test"] if folds else ["train", "validation"]
    return scores[scores["role"].isin(roles)].merge(patients.dropna(), on="patient")


def page_tables(*, folds=0, **changes):
    """All tables that the page knows of an imaging signature."""
    scores, patients = risks(folds=folds)
    values, zones, groups = activation(scores)
    tables = {
        "scan_quality": quality(),
        "imaging_split": division(scores, patients, folds=folds),
        "imaging_scores": scores,
        "imaging_performance": performance(folds=folds),
        "activation": values,
        "activation_zones": zones,
        "activation_groups": groups,
    }
    return tables | changes
