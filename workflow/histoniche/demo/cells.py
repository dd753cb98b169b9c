"""Single cells that express their regions' genes, and ligand-receptor pairs, some at work."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from histoniche.demo.molecular import CELL_TYPES

SEQUENCED = 5
"""Patients whose cells were sequenced: the cohort's first ones."""

_OTHERS = 420
"""Genes beside the planted ones, expressed by all types alike."""

_TYPES = {name: region for (name, _), region in CELL_TYPES.items() if region or name == "T cell"}
_CELLS = (7, 10)
"""Fewest and most good cells of a type in a patient."""

_MITOCHONDRIAL = "MT-"

# Mean counts in a cell: of a gene of its type, and of one of another type.
_OWN, _SILENT = 8.0, 0.03
# Their log's mean and SD over the genes that all types express.
_OTHERS_LOG = (0.5, 0.8)
_PATIENT_LOG_SD = 0.15
_DEPTH_LOG_SD = 0.2

_EMPTY_DEPTH = 0.04
# What dying makes of mitochondrial genes, and of all others.
_DYING_GAIN, _DYING_LOSS = 10.0, 0.6


class Pair(NamedTuple):
    """A ligand and its receptor, and where they are at work."""

    ligand: str
    receptor: str
    sender: str = ""
    receiver: str = ""
    patients: str = ""
    """`every`, one of them, or nobody."""


_PAIRS = (
    Pair("LIG01", "CTMVPG03", "macrophage", "endothelial cell", "every"),
    Pair("LIG02", "CTMVPG06", "malignant cell", "endothelial cell", "every"),
    Pair("LIG03", "CTMVPG16", "endothelial cell", "endothelial cell", "every"),
    Pair("LIG04", "CTG05", "endothelial cell", "malignant cell", "every"),
    Pair("LIG05", "CTG16", "monocyte", "malignant cell", "every"),
    # A receptor of another region's signature, and one of none.
    Pair("LIG06", "CTNEG01", "neuron", "neutrophil", "every"),
    Pair("LIG07", "REC01", "oligodendrocyte", "T cell", "every"),
    Pair("LIG08", "CTMVPG08", "monocyte", "endothelial cell", "P001"),
    Pair("LIG09", "CTG07", "neutrophil", "malignant cell", "P003"),
    Pair("LIG10", "CTG17", "malignant cell", "malignant cell", "P004"),
    # No cell sends these.
    *(Pair(f"LIG{number}", f"CTMVPG{number}") for number in range(11, 16)),
    *(Pair(f"LIG{number}", f"CTG{number}") for number in range(18, 21)),
)


def draw_pairs(patients: list[str]) -> pd.DataFrame:
    """All ligand-receptor pairs: ligand, receptor, sender, receiver, patients (with semicolons)."""
    every = ";".join(patients)
    return pd.DataFrame(
        [pair._replace(patients=pair.patients.replace("every", every)) for pair in _PAIRS]
    )


def draw_cells(
    genes: "pd.Series[str]", pairs: pd.DataFrame, patients: list[str], random: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw cells whose type expresses the genes of its region.

    Parameters
    ----------
    genes
        Region of each gene, from `name_genes`.
    pairs
        From `draw_pairs`. A ligand is expressed by its sender in its patients alone, a receptor
        by the type whose region it belongs to, or by its receiver if it belongs to none.
    patients
        Whose cells they are.

    Returns
    -------
    Counts, genes by cells; and of each cell its patient, its type, and its quality: good,
    empty (few genes) or dying (much mitochondrial RNA), one of each patient.
    """
    rates = _rates(genes, pairs, random)
    counts, facts = [], []
    for patient in patients:
        own = rates.mul(random.lognormal(0, _PATIENT_LOG_SD, len(rates)), axis=0)
        sent = pairs[[patient in each for each in pairs["patients"].str.split(";")]]
        for ligand, sender in zip(sent["ligand"], sent["sender"], strict=True):
            own.loc[ligand, sender] = _OWN
        cells = _plan_cells(patient, random)
        facts.append(cells)
        counts.append(_draw_counts(own, cells, random))
    return pd.concat(counts, axis=1), pd.concat(facts, ignore_index=True)


def _rates(
    genes: "pd.Series[str]", pairs: pd.DataFrame, random: np.random.Generator
) -> pd.DataFrame:
    """Mean counts of genes by types where no ligand is sent."""
    planted = genes[genes != ""]
    others = random.choice(genes.index[genes == ""].to_numpy(str), _OTHERS, replace=False)
    mitochondrial = [f"{_MITOCHONDRIAL}{number}" for number in range(1, 6)]
    names = sorted({*planted.index, *others, *mitochondrial, *pairs["ligand"], *pairs["receptor"]})
    rates = pd.DataFrame(_SILENT, index=pd.Index(names, name="gene"), columns=list(_TYPES))
    rates.loc[mitochondrial] = _OWN
    rates.loc[others] = random.lognormal(*_OTHERS_LOG, (_OTHERS, 1)).repeat(len(_TYPES), 1)
    for kind, region in _TYPES.items():
        rates.loc[planted.index[planted == region], kind] = _OWN
    received = pairs[~pairs["receptor"].isin(planted.index)]
    for receptor, receiver in zip(received["receptor"], received["receiver"], strict=True):
        rates.loc[receptor, receiver] = _OWN
    return rates


def _plan_cells(patient: str, random: np.random.Generator) -> pd.DataFrame:
    """Type and quality of a patient's cells, in no order."""
    kinds = [kind for kind in _TYPES for _ in range(random.integers(*_CELLS, endpoint=True))]
    poor = random.choice(list(_TYPES), 2)
    cells = pd.DataFrame(
        {
            "patient": patient,
            "cell_type": [*kinds, *poor],
            "quality": ["good"] * len(kinds) + ["empty", "dying"],
        }
    )
    cells = cells.iloc[random.permutation(len(cells))].reset_index(drop=True)
    cells.insert(0, "cell", [f"{patient}-C{number:03d}" for number in range(1, len(cells) + 1)])
    return cells


def _draw_counts(
    rates: pd.DataFrame, cells: pd.DataFrame, random: np.random.Generator
) -> pd.DataFrame:
    """Counts of the genes in some cells."""
    means = rates[cells["cell_type"]].to_numpy() * random.lognormal(0, _DEPTH_LOG_SD, len(cells))
    mitochondrial = np.asarray(rates.index.str.startswith(_MITOCHONDRIAL))
    means[:, cells["quality"] == "empty"] *= _EMPTY_DEPTH
    dying = np.where(mitochondrial, _DYING_GAIN, _DYING_LOSS)
    means[:, cells["quality"] == "dying"] *= dying[:, np.newaxis]
    return pd.DataFrame(random.poisson(means), index=rates.index, columns=list(cells["cell"]))
