"""Ligand-receptor interactions between the cell types of every patient."""

import logging
from collections.abc import Collection
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from anndata import AnnData

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.decisions import Decision
from histoniche.omics.gene_sets import Signatures
from histoniche.omics.group_means import group_means
from histoniche.omics.interaction_rule import KEYS, Appearance, keep, summarise
from histoniche.omics.ligand_receptor import matrix_mean, pair_scores, permutation_p
from histoniche.omics.tested_pairs import choose_signatures, read_shared_pairs, received_by
from histoniche.randomness import generator
from histoniche.tables import write_table

COLUMNS: dict[str, Any] = {
    "patient": object,
    **dict.fromkeys(KEYS, object),
    "kind": object,
    **dict.fromkeys(["ligand_mean", "receptor_mean", "score", "p", "q"], "float64"),
    **dict.fromkeys(["n_sender", "n_receiver"], "int64"),
}


def find_interactions(
    matrix: Path,
    pairs: Path,
    signatures: Path | None,
    *,
    interactions: Path,
    summary: Path,
    decisions: Path,
    chosen: Collection[str] | None,
    receivers: Collection[str] | None,
    permutations: int,
    min_cells: int,
    min_expressing: int,
    score: float,
    q: float,
    patients_share: float,
    appears_as: Appearance,
    seed: int,
) -> None:
    """Score ligand-receptor pairs in every patient and keep those that all of them show.

    Only pairs whose receptor is in a chosen signature are tested, so that q
    does not pay for the others.

    Parameters
    ----------
    matrix
        h5ad that `histoniche.omics.single_cell.prepare_cells` wrote.
    pairs
        See `histoniche.omics.pairs.read_pairs`.
    signatures
        GMT, or a table of signature and gene; None tests all pairs.
    interactions
        Written: patient, ligand, receptor, sender, receiver, kind (autocrine:
        sender and receiver are one type; else paracrine), ligand_mean,
        receptor_mean, score, p, q, n_sender, n_receiver, present, signatures
        (of `chosen`, that hold the receptor), kept. Only where sender and
        receiver express both genes.
    summary
        Written: one row an interaction, see `summarise`.
    decisions
        Written: step, item, count, detail.
    chosen
        Signatures whose genes count as receptors; None means all.
    receivers
        Cell types that may receive, such as the tumour's; None means all.
    permutations, min_cells, min_expressing, seed
        See `patient_interactions`.
    score, q, patients_share, appears_as
        See `keep`.

    Raises
    ------
    InputError
        If the files do not fit, a chosen signature is not in the GMT, a receiver is
        unknown, or no patient has two types of `min_cells` cells.
    """
    data = anndata.read_h5ad(matrix)
    usable = _usable_patients(data.obs, min_cells)
    _check_receivers(receivers, set(data.obs["cell_type"]))
    there, taken = read_shared_pairs(pairs, set(data.var_names))
    sets: Signatures = {}
    if signatures is not None:
        sets = choose_signatures(signatures, chosen, set(data.var_names))
        there, decided = received_by(there, sets, chosen)
        taken += decided
    tables = []
    for patient in sorted(data.obs["patient"].astype(str).unique()):
        part, decided = patient_interactions(
            data[(data.obs["patient"] == patient).to_numpy()],
            there,
            permutations=permutations,
            min_cells=min_cells,
            min_expressing=min_expressing,
            random=generator(seed, "ligand_receptor", patient),
        )
        tables.append(part.assign(patient=patient))
        taken += [replace(decision, step=patient) for decision in decided]
    table = pd.concat(tables, ignore_index=True)[list(COLUMNS)].astype(COLUMNS)
    table = keep(
        table,
        sets,
        patients=len(usable),
        receivers=receivers,
        score=score,
        q=q,
        patients_share=patients_share,
        appears_as=appears_as,
    )
    names = ", ".join(usable)
    taken.append(Decision("kept", "patients with two cell types or more", len(usable), names))
    taken.append(Decision("kept", "rows", int(table["kept"].sum())))
    write_table(table, interactions)
    write_table(summarise(table), summary)
    write_table(pd.DataFrame(taken), decisions)
    for decision in taken:
        logging.info("%s: %s %d %s", *astuple(decision))


def patient_interactions(
    data: AnnData,
    pairs: pd.DataFrame,
    *,
    permutations: int,
    min_cells: int,
    min_expressing: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, list[Decision]]:
    """Score all pairs between all cell types of one patient.

    Parameters
    ----------
    data
        The patient's log-normalised cells, with obs cell_type.
    pairs
        ligand and receptor, all among the genes.
    permutations
        Shuffles of the labels among the patient's cells.
    min_cells
        Types with fewer cells are left out, with their cells.
    min_expressing
        Pairs are tested whose ligand and receptor are each above 0 in so many
        of the patient's cells. That looks at no label, so that p stays what it is.
    random
        Draws the shuffles.

    Returns
    -------
    ligand, receptor, sender, receiver, kind, ligand_mean, receptor_mean, score,
    p, q, n_sender, n_receiver, where both means are above 0; q is
    Benjamini-Hochberg's over every tested pair between every two types of the
    patient, unexpressed ones included. p and q are NaN if there is one type
    alone, whose labels cannot be shuffled.
    """
    data, types, taken = _admissible(data, min_cells)
    if not types:
        return pd.DataFrame(columns=list(COLUMNS)), taken
    codes = pd.Categorical(data.obs["cell_type"], categories=types).codes.astype(np.intp)
    expressing = np.asarray((data.X > 0).sum(axis=0)).ravel()
    tested = pairs[pairs.isin(set(data.var_names[expressing >= min_expressing])).all(axis=1)]
    taken += _tests(len(tested), len(types), permutations)
    used = sorted({*tested["ligand"], *tested["receptor"]})
    values = data[:, used].X.toarray().astype(np.float64)
    ligands, receptors = (
        pd.Index(used).get_indexer(pd.Index(tested[side])).astype(np.intp)
        for side in ("ligand", "receptor")
    )
    means = group_means(values, codes, len(types))
    scores = pair_scores(
        means[:, np.newaxis, ligands], means[np.newaxis, :, receptors], matrix_mean(data.X)
    )
    p = np.full(scores.shape, np.nan)
    if len(types) > 1 and len(tested):
        p = permutation_p(
            values,
            codes,
            ligands,
            receptors,
            types=len(types),
            permutations=permutations,
            random=random,
        )
    sender, receiver, pair = np.nonzero(scores > 0)
    names, sizes = np.asarray(types, dtype=object), np.bincount(codes, minlength=len(types))
    table = {
        "ligand": tested["ligand"].to_numpy()[pair],
        "receptor": tested["receptor"].to_numpy()[pair],
        "sender": names[sender],
        "receiver": names[receiver],
        "kind": np.where(sender == receiver, "autocrine", "paracrine"),
        "ligand_mean": means[sender, ligands[pair]],
        "receptor_mean": means[receiver, receptors[pair]],
        "score": scores[sender, receiver, pair],
        "p": p[sender, receiver, pair],
        "q": false_discovery(p.ravel()).reshape(p.shape)[sender, receiver, pair],
        "n_sender": sizes[sender],
        "n_receiver": sizes[receiver],
    }
    return pd.DataFrame(table).sort_values("score", ascending=False, kind="stable"), taken


def _tests(pairs: int, types: int, permutations: int) -> list[Decision]:
    """How many tests are made of some pairs and types, and what they can find."""
    tests = pairs * types**2
    note = f"a lone finding can reach a q of {min(1, tests / (1 + permutations)):.2g} at best"
    if types == 1:
        note = "one type alone has no labels to shuffle, so that there is no p"
    return [Decision("", "pairs tested", pairs), Decision("", "tests", tests, note)]


def _admissible(data: AnnData, min_cells: int) -> tuple[AnnData, list[str], list[Decision]]:
    """Cells of the types with `min_cells` cells or more, and those types."""
    sizes = data.obs["cell_type"].astype(str).value_counts().sort_index()
    small, types = sizes[sizes < min_cells], list(sizes.index[sizes >= min_cells])
    names = ", ".join(f"{name} ({size})" for name, size in small.items())
    taken = [
        Decision("", "cell types", len(types)),
        Decision("", f"cell types of fewer than {min_cells} cells, left out", len(small), names),
    ]
    return data[data.obs["cell_type"].isin(types).to_numpy()], types, taken


def _check_receivers(receivers: Collection[str] | None, types: set[str]) -> None:
    """Receivers are cell types of the data."""
    unknown = sorted(set(receivers or ()) - types)
    if unknown:
        raise InputError(
            f"no such cell type; there are {', '.join(sorted(types))}",
            value=unknown[0],
            remedy="mend ligand_receptor.receivers",
        )


def _usable_patients(obs: pd.DataFrame, min_cells: int) -> list[str]:
    """Patients with two types of enough cells, whose labels can be shuffled."""
    sizes = obs.astype({"patient": str, "cell_type": str}).groupby(["patient", "cell_type"]).size()
    types = sizes[sizes >= min_cells].groupby("patient").size()
    usable = sorted(types.index[types > 1])
    if not usable:
        raise InputError(
            f"no patient has two cell types of {min_cells} cells or more",
            remedy="label more types, give more cells, or lower ligand_receptor.min_cells",
        )
    return usable
