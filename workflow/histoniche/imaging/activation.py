"""What drew the networks to their answer: class activation of every patient."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from histoniche.files import whole_file
from histoniche.imaging.samples import read_sample
from histoniche.imaging.scoring import load_networks
from histoniche.risk_scores import judges


def map_activation(
    samples: Mapping[str, Path],
    models: Mapping[int, Path],
    outs: Mapping[str, Path],
    *,
    maps: Sequence[str],
    patients: Iterable[str],
    threads: int,
) -> None:
    """Write where the networks that judge a patient saw what they judge it by.

    Parameters
    ----------
    samples, models, maps, threads
        As for `histoniche.imaging.scoring.score_scans`.
    outs
        Files to write, by patient: `activation`, float32 (slices, side, side), 0 to 1, the
        mean over the networks, brought to a maximum of 1; 0 slices of a scan that cannot be
        used.
    patients
        Those to be done.
    """
    torch.set_num_threads(threads)
    loaded = load_networks(models, maps)
    seen = {number: model.description["patients_sha256"] for number, model in loaded.items()}
    for patient in patients:
        images = read_sample(samples[patient]).images
        found = np.zeros((0, *images.shape[2:]), np.float32)
        if len(images):
            own = [loaded[number] for number in judges(patient, seen)]
            found = np.mean([model.activation(images[np.newaxis])[0] for model in own], axis=0)
            found = (found / max(float(found.max()), np.finfo(np.float32).tiny)).astype(np.float32)
        with whole_file(outs[patient]) as temporary:
            save_file({"activation": np.ascontiguousarray(found)}, temporary)
