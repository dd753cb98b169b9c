"""Settings of the trainings for survival, as a config would have them, but small and quick."""

from typing import Any

from training_settings import DEFAULTS as SEGMENTATION

COX: dict[str, Any] = {
    "dropout": 0.0,
    "epochs": 50,
    "monitor": "validation_loss",
    "patience": 15,
    "checkpoint_minutes": 10,
    "batch_size": 64,
    "optimiser": "adamw",
    "learning_rate": 0.001,
    "momentum": 0.0,
    "weight_decay": 0.01,
    "gradient_clip": 1.0,
    "schedule": SEGMENTATION["schedule"],
    "weight_average": 0.0,
    "ties": "efron",
}
RISK: dict[str, Any] = {
    **COX,
    "network": "test_resnet",
    "network_options": {},
    "depth": 3,
    "augment": {
        "flip": {"probability": 0.5},
        "affine": {"probability": 0.5, "degrees": 10, "scale": 0.1, "shift": 0.05, "shear": 0},
        "intensity": {"probability": 0.5, "strength": 0.1},
    },
}
MIL_RISK: dict[str, Any] = {
    **COX,
    "hidden": 16,
    "attention_units": 8,
    "dropout": 0.1,
    "tiles_per_bag": None,
    "batch_size": 32,
    "learning_rate": 0.003,
}
