"""Chains: several models that each divide what the one before left together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.traits.evaluation import Judged, evaluate

Floats = NDArray[np.floating]
Steps = Mapping[str, Mapping[str, Sequence[str]]]
"""By trait, in order, the classes of a step, each with the final classes that it holds:
`{gbm: {lower: [II, III], GBM: [IV]}, lower: {II: [II], III: [III]}}`."""

CHAIN, SINGLE, ALL_STEPS = "chain", "single", "all"


@dataclass(frozen=True)
class Chain:
    """Steps that lead to one of several classes."""

    classes: tuple[str, ...]
    """The final classes in their order."""
    steps: Mapping[str, Mapping[str, tuple[str, ...]]]
    """As `Steps`, checked."""

    def members(self, trait: str) -> NDArray[np.bool_]:
        """Which final classes each class of a step holds, (classes of the step, classes)."""
        held = self.steps[trait].values()
        return np.array([[name in own for name in self.classes] for own in held])


def chain_of(classes: Sequence[object], steps: Steps, *, name: str = "chain") -> Chain:
    """Check that steps divide the classes, each one what another left together.

    Parameters
    ----------
    classes
        The final classes in their order.
    steps
        See `Steps`. The first divides all; each further one divides a class of an earlier
        one; in the end each final class stands alone.
    name
        Of the chain, for messages.

    Raises
    ------
    InputError
        If they do not.
    """
    finals = tuple(str(one) for one in classes)
    whole = [frozenset(finals)]
    for trait, groups in steps.items():
        parts = [frozenset(str(one) for one in own) for own in groups.values()]
        everything = frozenset().union(*parts)
        if sum(map(len, parts)) != len(everything) or len(parts) < 2 or not all(parts):
            problem = f"the step {trait} does not part its classes"
        elif everything not in whole:
            given = ", ".join(sorted(everything))
            problem = f"the step {trait} divides {given}, which no earlier step leaves together"
        else:
            whole.remove(everything)
            whole += parts
            continue
        raise InputError(problem, column=f"traits.chains.{name}", remedy="mend its classes")
    together = [group for group in whole if len(group) > 1]
    if together:
        raise InputError(
            f"no step divides {', '.join(sorted(together[0]))}",
            column=f"traits.chains.{name}",
            remedy="add a step",
        )
    checked = {
        trait: {key: tuple(str(one) for one in own) for key, own in groups.items()}
        for trait, groups in steps.items()
    }
    return Chain(finals, checked)


def chain_probabilities(chain: Chain, probabilities: Mapping[str, Floats]) -> NDArray[np.float64]:
    """Probability of each final class: the product of those along its way.

    Parameters
    ----------
    chain
        As from `chain_of`.
    probabilities
        By step, (n, classes of the step), of tiles or slides.

    Returns
    -------
    (n, classes); rows sum to 1 where those of the steps do.
    """
    first = next(iter(probabilities.values()))
    found = np.ones((len(first), len(chain.classes)))
    for trait in chain.steps:
        members = chain.members(trait)
        own = probabilities[trait].astype(np.float64) @ members
        found *= np.where(members.any(0), own, 1.0)
    return found


def chain_calls(chain: Chain, calls: Mapping[str, NDArray[np.integer]]) -> NDArray[np.intp]:
    """Class that the steps lead to, one after the other.

    A thing goes on to the step that divides what it was called; later steps do not
    overrule earlier ones, as in Ertosun and Rubin's modular way. So the call may differ
    from the most probable class of `chain_probabilities`: GBM of probability 0.4 loses
    to the rest, of which neither grade may reach 0.4.

    Parameters
    ----------
    chain
        As from `chain_of`.
    calls
        By step the number of its class, (n,), for all things; where it does not
        apply the number is not looked at.

    Returns
    -------
    Number of the final class, (n,).

    References
    ----------
    Truong et al. 2020, Neurooncol Adv 2:vdaa110, Two-Class vs 3-Class Classification.
    """
    first = next(iter(calls.values()))
    possible = np.ones((len(first), len(chain.classes)), dtype=bool)
    for trait in chain.steps:
        members = chain.members(trait)
        # Final classes of this step live on only where it is reached and calls them.
        possible &= members[calls[trait]] | ~members.any(0)
    return possible.argmax(axis=1)


def step_probabilities(chain: Chain, trait: str, probabilities: Floats) -> NDArray[np.float64]:
    """Probabilities of a step's classes, given that one of them holds.

    Parameters
    ----------
    chain
        As from `chain_of`.
    trait
        The step.
    probabilities
        Of the final classes, (n, classes), from a chain or a single model.

    Returns
    -------
    (n, classes of the step), rows summing to 1; equal ones where none is possible.
    """
    members = chain.members(trait)
    own = probabilities.astype(np.float64) @ members.T
    total = own.sum(1, keepdims=True)
    equal = np.full(own.shape, 1 / len(members))
    return np.divide(own, total, out=equal, where=total > 0)


def compare_with_single(
    chain: Chain,
    chained: Judged,
    single: Judged,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> pd.DataFrame:
    """Evaluate a chain beside a single model of all classes, whole and step by step.

    A step is evaluated on the things that truly belong to one of its classes, and
    both are asked in the same way: the class of higher probability among the step's,
    by `step_probabilities`. Of a chain these are what its own model said.

    Parameters
    ----------
    chain
        As from `chain_of`.
    chained, single
        What each says of the same things in the same order, with probabilities of the
        final classes.
    rng, draws
        As for `evaluate`.

    Returns
    -------
    step (`all` or its trait), model (chain or single), and the columns of
    `histoniche.traits.evaluation.Evaluation.metrics`.

    Raises
    ------
    ValueError
        If the things differ.

    References
    ----------
    Truong et al. 2020, Neurooncol Adv 2:vdaa110, figure 4.
    """
    if not np.array_equal(chained.truth, single.truth) or list(chained.patients) != list(
        single.patients
    ):
        raise ValueError("the chain and the single model speak of different things")
    tables = []
    for model, judged in ((CHAIN, chained), (SINGLE, single)):
        whole = evaluate(judged, chain.classes, rng=rng, draws=draws).metrics
        tables.append(whole.assign(step=ALL_STEPS, model=model))
        for trait in chain.steps:
            own = _judged_in_step(chain, trait, judged)
            if len(own.truth):
                found = evaluate(own, list(chain.steps[trait]), rng=rng, draws=draws).metrics
                tables.append(found.assign(step=trait, model=model))
    table = pd.concat(tables, ignore_index=True)
    return table[["step", "model", *table.columns.drop(["step", "model"])]]


def _judged_in_step(chain: Chain, trait: str, judged: Judged) -> Judged:
    """What is said of the things that truly belong to a step, in the step's classes."""
    members = chain.members(trait)
    inside = np.asarray(members.any(axis=0))[judged.truth]
    scores = step_probabilities(chain, trait, judged.scores[inside])
    return Judged(
        members.argmax(0)[judged.truth[inside]],
        scores,
        scores.argmax(1),
        judged.patients[inside],
        judged.slides[inside],
    )
