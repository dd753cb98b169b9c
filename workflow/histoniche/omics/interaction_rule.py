"""Which ligand-receptor interactions are kept over all patients, and their summary."""

import math
from collections.abc import Collection
from typing import Literal

import pandas as pd

from histoniche.omics.gene_sets import Signatures

Appearance = Literal["pair", "interaction"]

KEYS = ["ligand", "receptor", "sender", "receiver"]


def keep(
    table: pd.DataFrame,
    signatures: Signatures,
    *,
    patients: int,
    receivers: Collection[str] | None,
    score: float,
    q: float,
    patients_share: float,
    appears_as: Appearance,
) -> pd.DataFrame:
    """Mark what is present in a patient, and what is kept over all of them.

    Parameters
    ----------
    table
        See `patient_interactions`, of all patients.
    signatures
        The chosen ones, whose receptors alone were tested; none if all were.
    patients
        Number of patients who have two cell types or more.
    receivers
        Cell types that may receive; None means all.
    score, q
        An interaction is present in a patient with a score above `score`, a q
        of `q` or less, and an admissible receiver.
    patients_share
        Share of the patients in whom it must be present; 1 means every one.
    appears_as
        What must be present in them: `pair` the ligand and receptor, between
        whichever types; `interaction` between the same two types.

    Returns
    -------
    `table` with present, signatures (those that hold the receptor, joined by
    semicolons), and kept: present, and so in enough patients.
    """
    names = {
        receptor: ";".join(name for name, genes in signatures.items() if receptor in genes)
        for receptor in table["receptor"].unique()
    }
    present = (table["score"] > score) & (table["q"] <= q)
    if receivers is not None:
        present &= table["receiver"].isin(list(receivers))
    keys = KEYS[:2] if appears_as == "pair" else KEYS
    cases = table.loc[present, [*keys, "patient"]].drop_duplicates().groupby(keys).size()
    often = cases[cases >= max(1, math.ceil(patients_share * patients - 1e-9))]
    shown = pd.MultiIndex.from_frame(table[keys]).isin(often.index)
    of_signature = table["receptor"].map(names).astype(object)
    return table.assign(present=present, signatures=of_signature, kept=present & shown)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Put together what the patients say about each interaction.

    Parameters
    ----------
    table
        What `keep` returned.

    Returns
    -------
    ligand, receptor, sender, receiver, kind, signatures, patients (who have
    both types, and two types or more), patients_present, patients_kept,
    score_median, score_min, p_max, q_max over `patients`, kept ones first. A
    patient with both types who does not express the pair counts with score 0
    and p 1. The largest p tests whether every patient shows the interaction.

    References
    ----------
    Nichols et al. 2005, Neuroimage 25:653 (largest p as test of a conjunction).
    """
    usable = table[table["p"].notna()]
    facts = usable[[*KEYS, "kind", "signatures"]].drop_duplicates()
    ends = [usable[["patient", end]].set_axis(["patient", "sender"], axis=1) for end in KEYS[2:]]
    owned = pd.concat(ends).drop_duplicates()
    both = owned.merge(owned.rename(columns={"sender": "receiver"}), on="patient")
    every = facts.merge(both, on=["sender", "receiver"])
    numbers = usable[[*KEYS, "patient", "score", "p", "q", "present", "kept"]]
    whole = every.merge(numbers, on=[*KEYS, "patient"], how="left")
    whole = whole.fillna({"score": 0.0, "p": 1.0, "q": 1.0})
    for column in ("present", "kept"):
        whole[column] = whole[column].astype("boolean").fillna(False).astype(bool)
    found = whole.groupby([*KEYS, "kind", "signatures"], as_index=False).agg(
        patients=("patient", "size"),
        patients_present=("present", "sum"),
        patients_kept=("kept", "sum"),
        score_median=("score", "median"),
        score_min=("score", "min"),
        p_max=("p", "max"),
        q_max=("q", "max"),
    )
    order = ["patients_kept", "patients_present", "score_median", *KEYS]
    return found.sort_values(order, ascending=[False] * 3 + [True] * 4, ignore_index=True)
