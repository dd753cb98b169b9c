"""Checkpoints: what a training goes on from after a crash, a kill or a preemption."""

import logging
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

_KEPT = 2
_BEST = "best.ckpt"
# What a scheduler sends before it takes the node away.
_WARNINGS = (signal.SIGTERM, signal.SIGUSR1)
_PREEMPTED = "stopped by the scheduler; started again, it goes on from here"


class PreemptedError(RuntimeError):
    """The training was told to stop, and has kept where it was."""


class Checkpoints(Checkpoint):
    """Keeps the state after every epoch, every few minutes and at a warning, and the best epoch.

    Parameters
    ----------
    folder
        Where the files lie: the last two states `step-N.ckpt`, and `best.ckpt`.
        Each is written beside itself and renamed, so that none is half there.
    minutes
        Longest time between two states.
    monitor
        What the best epoch has least of, or most.
    mode
        `min` if less is better, `max` if more is.
    """

    def __init__(
        self, folder: Path, *, minutes: float, monitor: str, mode: Literal["min", "max"]
    ) -> None:
        super().__init__()
        self._folder = folder
        self._seconds = 60 * minutes
        self._monitor = monitor
        self._sign = 1 if mode == "min" else -1
        self._best = float("inf")
        self._saved_at = time.monotonic()
        self._warned: int | None = None
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen to the scheduler's warnings."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._saved_at = time.monotonic()
        for number in _WARNINGS:
            self._handlers[number] = signal.signal(number, self._note)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Listen no more."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Keep the state if it is time to, and stop after a warning."""
        if trainer.is_last_batch:
            # The epoch's end keeps the state: one from before its validation would skip that.
            return
        # All processes of a training must agree, since all of them gather the state.
        warned = trainer.strategy.reduce_boolean_decision(self._warned is not None, all=False)
        late = time.monotonic() - self._saved_at > self._seconds
        if warned or trainer.strategy.reduce_boolean_decision(late, all=False):
            self._save(trainer)
        if warned:
            raise PreemptedError(_PREEMPTED)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the state, and the weights if they are the best so far; stop after a warning."""
        value = self._sign * float(trainer.callback_metrics[self._monitor])
        if value < self._best:
            self._best = value
            self._write(trainer, _BEST)
        self._save(trainer)
        warned = trainer.strategy.reduce_boolean_decision(self._warned is not None, all=False)
        if warned and not trainer.should_stop:
            raise PreemptedError(_PREEMPTED)

    def state_dict(self) -> dict[str, Any]:
        """What the state has to hold of this."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up again."""
        self._best = state_dict["best"]

    def _note(self, number: int, _: FrameType | None) -> None:
        """Remember a warning until the batch is done."""
        self._warned = number

    def _save(self, trainer: Trainer) -> None:
        """Write the state and remove those before the last."""
        self._write(trainer, f"step-{trainer.global_step:010d}.ckpt")
        self._saved_at = time.monotonic()
        if trainer.is_global_zero:
            for old in _states(self._folder)[_KEPT:]:
                old.unlink(missing_ok=True)

    def _write(self, trainer: Trainer, name: str) -> None:
        """Write a file whole or not at all."""
        temporary = self._folder / f".{name}.{os.getpid()}"
        # Whole, since averaged weights come from a callback, whose part a file of weights lacks.
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            os.replace(temporary, self._folder / name)


def newest_state(folder: Path) -> Path | None:
    """The newest state that can be read; None for a training that starts anew.

    What cannot be read, since a disk was full or a node died, is removed and the
    one before it taken.
    """
    for path in _states(folder):
        try:
            torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # noqa: BLE001 - whatever a damaged file brings about
            logging.warning("%s cannot be read and is removed: %s", path.name, type(error).__name__)
            path.unlink()
        else:
            return path
    return None


def best_weights(folder: Path) -> Mapping[str, torch.Tensor]:
    """Weights of the best epoch of a finished training."""
    return torch.load(folder / _BEST, map_location="cpu", weights_only=True)["state_dict"]


def last_history(folder: Path) -> list[dict[str, float]]:
    """Losses and metrics by epoch of a finished training, from its last state."""
    state = torch.load(_states(folder)[0], map_location="cpu", weights_only=True)
    return list(state["history"])


def _states(folder: Path) -> list[Path]:
    """States in a folder, the newest first."""
    return sorted(folder.glob("step-*.ckpt"), reverse=True)
