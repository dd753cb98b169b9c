"""The loop of every training: Lightning's, resumable, on one device or several, the best kept."""

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch.utils.data import DataLoader

from histoniche import __version__
from histoniche.learning.checkpoints import Checkpoints, best_weights, last_history, newest_state
from histoniche.learning.data import EpochSampler
from histoniche.learning.learner import Learner, best_row, better
from histoniche.learning.models import choose_precision, save_model
from histoniche.tables import write_table


class TrainingLoader(DataLoader[Any]):
    """A loader that goes on in the middle of an epoch, since its sampler knows the place.

    Lightning asks for the two methods; what they would hold is in its own checkpoint.
    """

    def state_dict(self) -> dict[str, Any]:
        """Nothing of its own."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Nothing of its own."""


def loader_options(batch_size: int, *, devices: int, threads: int) -> dict[str, Any]:
    """Options of a loader; on a GPU the tiles are read by other processes.

    Parameters
    ----------
    batch_size
        Of all devices together.
    threads
        CPU threads of all devices together.
    """
    options: dict[str, Any] = {"batch_size": max(1, batch_size // devices)}
    if torch.cuda.is_available() and threads > 1:
        workers = max(1, threads // devices - 1)
        options |= {"num_workers": workers, "pin_memory": True, "persistent_workers": True}
    return options


def fit(
    module: Learner,
    loaders: Mapping[str, DataLoader[Any]],
    state: Path,
    settings: Mapping[str, Any],
    *,
    epochs: int,
    devices: int,
) -> None:
    """Train, going on from the newest readable state, and load the best weights.

    Parameters
    ----------
    module
        Ends with the weights of its best epoch, in evaluation mode, and the whole history.
    loaders
        Under `train`, with an `EpochSampler`, and `validation`.
    state
        Folder of the checkpoints.
    settings
        Of the training: `patience`, `checkpoint_minutes`, `weight_average`, `gradient_clip`.
    epochs, devices
        Most epochs, each ending with a validation; devices that train together.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    mode = better(module.monitor)
    callbacks: list[lightning.Callback] = [
        EarlyStopping(module.monitor, patience=settings["patience"], mode=mode),
        Checkpoints(
            state, minutes=settings["checkpoint_minutes"], monitor=module.monitor, mode=mode
        ),
    ]
    if settings["weight_average"]:
        callbacks.append(EMAWeightAveraging(decay=settings["weight_average"]))
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=devices,
        # Snakemake runs one process a job, which forks those of the devices. A shallow network
        # leaves the deeper stages of its encoder unused.
        strategy="ddp_fork_find_unused_parameters_true" if devices > 1 else "auto",
        precision=choose_precision(),
        callbacks=callbacks,
        # Lightning must not read SLURM's variables.
        plugins=[LightningEnvironment()],
        gradient_clip_val=settings["gradient_clip"] or None,
        # The sampler divides its epochs itself.
        use_distributed_sampler=False,
        deterministic=not torch.cuda.is_available(),
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        num_sanity_val_steps=0,
    )
    start = newest_state(state)
    content = start and torch.load(start, map_location="cpu", weights_only=True)
    if content:
        logging.info("going on at step %d", content["global_step"])
        _skip_seen(loaders["train"], content, devices=devices)
    with warnings.catch_warnings():
        # Lightning's own use of a class that torch has renamed.
        warnings.filterwarnings("ignore", message=".*LeafSpec")
        if not content or not _stopped(content):
            trainer.fit(
                module,
                loaders["train"],
                loaders["validation"],
                ckpt_path=start,
                weights_only=True,
            )
    # Forked processes trained copies, so that the files speak.
    module.history = last_history(state)
    module.load_state_dict(best_weights(state))
    module.eval()


def keep_model(module: Learner, description: Mapping[str, Any], *, out: Path, state: Path) -> None:
    """Write a trained network as a model folder with its history, and forget its state.

    Parameters
    ----------
    module
        As `fit` leaves it.
    description
        What the model's description shall say beside how it was trained.
    out
        Folder of the model; its `history.parquet` holds losses and metrics by epoch.
    state
        Folder of the checkpoints; removed.
    """
    training = {
        "epochs": len(module.history),
        "kept": best_row(module.history, module.monitor),
        "precision": choose_precision(),
        "versions": versions(),
    }
    save_model(module.network, {**training, **description}, out)
    write_table(pd.DataFrame(module.history), out / "history.parquet")
    shutil.rmtree(state, ignore_errors=True)


def _stopped(content: Mapping[str, Any]) -> bool:
    """Whether a state is that of a training which had stopped early; Lightning would go on."""
    return any(
        name.startswith(EarlyStopping.__name__) and state["stopped_epoch"] > 0
        for name, state in content["callbacks"].items()
    )


def _skip_seen(loader: DataLoader[Any], content: Mapping[str, Any], *, devices: int) -> None:
    """Let an epoch that was interrupted go on behind the tiles that it has seen."""
    progress = content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    sampler = loader.sampler
    if isinstance(sampler, EpochSampler) and progress["processed"] < len(loader):
        batch = int(loader.batch_size or 1) * devices
        sampler.skip(content["epoch"], progress["processed"] * batch)


def state_name(content: Any) -> str:
    """Name of a training's state: other settings or tiles never resume it."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions of what a training runs on."""
    return {
        "histoniche": __version__,
        "lightning": lightning.__version__,
        "torch": torch.__version__,
    }
