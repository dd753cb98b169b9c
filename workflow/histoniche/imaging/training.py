"""Training of the imaging signature's network of one fold, on patients who stand on one side."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from histoniche.cohort.outcome_splits import sides_of_fold
from histoniche.imaging.samples import read_sample
from histoniche.learning.risk import train_risk
from histoniche.learning.risk_images import RiskSample
from histoniche.randomness import derived_seed
from histoniche.tables import read_table


def train_fold(
    samples: Mapping[str, Path],
    split: Path,
    out: Path,
    state: Path,
    *,
    fold: int,
    maps: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train the network of one fold; see `histoniche.learning.risk.train_risk`.

    Parameters
    ----------
    samples
        Files of the patients' samples; those without a slice, of scans that cannot be used,
        are left out.
    split
        As from `histoniche.cohort.outcome_splits.write_outcome_split`.
    out, state
        Folder of the model, and of the checkpoints while it is trained.
    fold
        Number of the fold that is tested on; 0 where there are no folds.
    maps
        Names of the samples' maps in their order, which the model's description keeps.
    settings
        The config's block `imaging.training`.
    seed, threads
        Seed of the run; CPU threads.

    The model's description names the patients it has seen, as digests, so that whoever
    applies it can tell which patients are new to it.

    Raises
    ------
    InputError
        If a patient stands on two sides, or a side has too few patients or events.
    """
    usable = {name for name, file in samples.items() if len(read_sample(file).images)}
    for name in sorted(set(samples) - usable):
        logging.info("%s is left out: the scan cannot be used", name)
    sides, digests = sides_of_fold(read_table(split), fold, among=usable)
    train_risk(
        {
            side: [RiskSample(samples[one.patient], one.time_days, one.event) for one in some]
            for side, some in sides.items()
        },
        out,
        state,
        settings=settings,
        origin={"fold": fold, "maps": list(maps), "patients_sha256": digests},
        seed=derived_seed(seed, "imaging", fold),
        threads=threads,
    )
