"""Settings of the training of classifiers and of MIL, as a config would have them by default."""

from typing import Any

from training_settings import DEFAULTS as SEGMENTATION
from training_settings import NO_CHANGES

# Of the optimiser and of the loss, of all networks the same.
STEPS: dict[str, Any] = {
    "momentum": 0.0,
    "weight_decay": 0.0001,
    "gradient_clip": 1.0,
    "schedule": SEGMENTATION["schedule"],
    "weight_average": 0.0,
    "loss": ["cross_entropy"],
    "class_balance": 0.0,
    "label_smoothing": 0.0,
    "gce_q": 0.7,
    "focal_gamma": 2.0,
}
CLASSIFIER: dict[str, Any] = {
    "encoder": "resnet18",
    "encoder_weights": None,
    "encoder_sha256": None,
    "encoder_options": {},
    "encoder_rate": 1.0,
    "frozen_epochs": 0,
    "auxiliary_weight": 0.4,
    "dropout": 0.0,
    "normalisation": "tiles",
    "min_tissue": 0.0,
    "tiles_per_slide": None,
    "validation_tiles_per_slide": None,
    "epochs": 50,
    "checks_per_epoch": 1,
    "monitor": "validation_loss",
    "patience": 10,
    "checkpoint_minutes": 10,
    "batch_size": 32,
    "sampling": "uniform",
    "crop": None,
    "optimiser": "adamw",
    "learning_rate": 0.001,
    **STEPS,
    "augment": SEGMENTATION["augment"],
}
# A network of 0.4 million numbers, which learns as the large ones do.
TINY: dict[str, Any] = {
    **CLASSIFIER,
    "encoder": "test_resnet",
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 0.003,
    "augment": NO_CHANGES,
}
MIL: dict[str, Any] = {
    "bag": "slide",
    "hidden": 256,
    "attention_units": 128,
    "dropout": 0.25,
    "tiles_per_bag": None,
    "epochs": 50,
    "monitor": "validation_loss",
    "patience": 10,
    "checkpoint_minutes": 10,
    "batch_size": 8,
    "sampling": "balanced",
    "optimiser": "adamw",
    "learning_rate": 0.0002,
    **STEPS,
}
FEATURES: dict[str, Any] = {
    "encoder": "tf_efficientnet_lite0",
    "encoder_weights": "imagenet",
    "encoder_sha256": None,
    "encoder_options": {},
    "normalisation": "encoder",
    "input_px": None,
    "tokens": False,
}
