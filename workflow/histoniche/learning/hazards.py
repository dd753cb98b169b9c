"""Cox's partial likelihood as a loss: log hazards against who died and who was still at risk."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

Ties = Literal["efron", "breslow"]


def cox_loss(
    log_hazard: torch.Tensor, times: torch.Tensor, events: torch.Tensor, *, ties: Ties = "efron"
) -> torch.Tensor:
    """Negative log partial likelihood of log hazards, by event.

    At each death the patient's hazard is set against the sum over its risk set: who is in
    the batch and was followed as long or longer. A batch is therefore best large, and a loss
    that is compared between epochs comes from all patients at once. Memory grows with
    patients times events.

    Parameters
    ----------
    log_hazard
        (n,), higher = dies sooner; any size, since sums are taken of logarithms.
    times, events
        (n,): time, and boolean whether the patient died then. Whoever was censored at the
        time of a death was still at risk.
    ties
        `efron`: the k-th of d tied deaths finds k / d of the hazard of the tied gone.
        `breslow`: all of it is there for each.

    Returns
    -------
    A number; 0, with a gradient of 0, where nobody died. Of equal log hazards it is the mean
    logarithm of the sizes of the risk sets.

    Raises
    ------
    ValueError
        If the three are not of one length.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Efron 1977, J Am Stat Assoc 72:557-565; Breslow
    1974, Biometrics 30:89-99.
    """
    if not log_hazard.shape == times.shape == events.shape or log_hazard.ndim != 1:
        shapes = [tuple(one.shape) for one in (log_hazard, times, events)]
        raise ValueError(f"log hazards, times and events of shapes {shapes}")
    dead = events.nonzero()[:, 0]
    if len(dead) == 0:
        return log_hazard.sum() * 0
    present = _present(times, dead, efron=ties == "efron").to(log_hazard.dtype)
    at_risk = (log_hazard + present.log()).logsumexp(1)
    return (at_risk - log_hazard[dead]).mean()


def _present(times: torch.Tensor, dead: torch.Tensor, *, efron: bool) -> torch.Tensor:
    """Share of each patient's hazard that each death finds, (deaths, n), 0 to 1."""
    moment = times[dead]
    present = (times >= moment[:, None]).double()
    if efron:
        tied = moment == moment[:, None]
        # Of each death, how many of the tied ones went before it.
        gone = tied.tril(-1).sum(1) / tied.sum(1)
        present[:, dead] -= tied * gone[:, None]
    return present


def centred_risk(log_hazard: NDArray[np.floating], mean: float) -> NDArray[np.float64]:
    """Risk, 0 to 1, of log hazards, whose own origin means nothing.

    Parameters
    ----------
    log_hazard
        (n,).
    mean
        Mean log hazard of the training patients by the same network.

    Returns
    -------
    (n,): 0.5 is the mean training patient; odds of the risk are its hazard ratio to that one.
    """
    return np.asarray(expit(np.asarray(log_hazard, np.float64) - mean))
