"""Ensembles: networks of one task whose probabilities are averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from histoniche.learning.models import Model


@dataclass(frozen=True)
class Ensemble:
    """Networks of the same classes, such as those of a cross-validation's folds."""

    members: Sequence[Model]

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.members[0].device

    @torch.inference_mode()
    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        """Calibrated logits of uint8 tiles (n, 3, h, w): float (n, classes, h, w).

        Their softmax is the mean of the members' calibrated probabilities, which
        in log score is never worse than a member drawn at random
        (Lakshminarayanan et al. 2017, NeurIPS, arXiv 1612.01474).
        """
        first, *others = self.members
        if not others:
            return first.logits(pixels)
        total = first.logits(pixels).softmax(1)
        for member in others:
            total += member.logits(pixels).softmax(1)
        # None is impossible, so that odds stay finite.
        return total.div_(len(self.members)).clamp_min_(torch.finfo(total.dtype).tiny).log_()
