"""Expression with planted region genes, mutations, and gene sets."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.special

from histoniche.demo.design import REGIONS

GENES = 2000
GENES_PER_REGION = 20
GENE_SETS = 60

_PLANTED_IN_SET = 15
# Rise of a planted gene's log mean per standard deviation of its region's area.
_SLOPE = (0.38, 0.62)
_DISPERSION = 0.25
_LIBRARY_LOG_SD = 0.25
# Of the gene that shows on sections: log mean, its rise per standard deviation, dispersion.
_SHOWN_LOG, _SHOWN_SLOPE, _SHOWN_DISPERSION = 5.2, 0.8, 0.01


_MARKERS = 12
CELL_TYPES = {
    ("neuron", "CL:0000540"): "LE",
    ("oligodendrocyte", "CL:0000128"): "IT",
    ("malignant cell", "CL:0001064"): "CT",
    ("macrophage", "CL:0000235"): "CTpnz",
    ("monocyte", "CL:0000576"): "CTpan",
    ("endothelial cell", "CL:0000115"): "CTmvp",
    ("neutrophil", "CL:0000775"): "CTne",
    ("B cell", "CL:0000236"): "",
    ("mast cell", "CL:0000097"): "",
    ("fibroblast", "CL:0000057"): "",
    ("T cell", "CL:0000084"): "",
}
"""Region whose genes a cell type expresses, by its name and Cell Ontology id; some have none."""


class _Gene(NamedTuple):
    """Where a gene lies (GRCh37) and how often it is mutated."""

    entrez: int
    chromosome: str
    start: int
    end: int
    frequency: float
    silent: float
    kinds: tuple[str, ...]


_MISSENSE, _NONSENSE = "Missense_Mutation", "Nonsense_Mutation"
_DELETION, _SPLICE, _SILENT = "Frame_Shift_Del", "Splice_Site", "Silent"
_MUTATED = {
    "TP53": _Gene(7157, "17", 7571720, 7590868, 0.35, 0.03, (_MISSENSE, _MISSENSE, _NONSENSE)),
    "PTEN": _Gene(5728, "10", 89623195, 89728532, 0.35, 0.03, (_MISSENSE, _NONSENSE, _DELETION)),
    "EGFR": _Gene(1956, "7", 55086725, 55275031, 0.28, 0.05, (_MISSENSE,)),
    "TTN": _Gene(7273, "2", 179390716, 179672150, 0.28, 0.12, (_MISSENSE, _MISSENSE, _NONSENSE)),
    "NF1": _Gene(4763, "17", 29421945, 29704695, 0.14, 0.03, (_NONSENSE, _DELETION, _SPLICE)),
    "RB1": _Gene(5925, "13", 48877883, 49056026, 0.12, 0.0, (_NONSENSE, _DELETION, _SPLICE)),
    "PIK3CA": _Gene(5290, "3", 178866311, 178952497, 0.12, 0.03, (_MISSENSE,)),
    "ATRX": _Gene(546, "X", 76760356, 77041719, 0.10, 0.03, (_DELETION, _NONSENSE)),
    "IDH1": _Gene(3417, "2", 209100953, 209119806, 0.07, 0.0, (_MISSENSE,)),
}


def name_genes(random: np.random.Generator) -> "pd.Series[str]":
    """Region of each gene, empty for those without one; the index holds the genes, shuffled."""
    planted = {
        f"{region.upper()}G{number:02d}": region
        for region in REGIONS
        for number in range(1, GENES_PER_REGION + 1)
    }
    null = {f"NULLG{number:04d}": "" for number in range(1, GENES - len(planted) + 1)}
    genes = pd.Series(planted | null, name="region").rename_axis("gene")
    return genes.iloc[random.permutation(len(genes))]


def draw_expression(
    genes: "pd.Series[str]", areas: pd.DataFrame, random: np.random.Generator
) -> pd.DataFrame:
    """Draw counts: the log mean of a planted gene follows its region's area, of the others none.

    Parameters
    ----------
    genes
        Region of each gene, from `name_genes`.
    areas
        Patients by regions, mm².

    Returns
    -------
    Counts, genes by patients and one more: a patient who stands in no sheet. One or two
    patients of the sheet are missing.
    """
    patients = list(areas.index)
    z = ((areas - areas.mean()) / areas.std()).assign(**{"": 0.0})
    stranger = pd.DataFrame(0.0, index=[f"P{len(patients) + 1:03d}"], columns=z.columns)
    z = pd.concat([z, stranger])
    planted = (genes != "").to_numpy()
    count = len(genes)
    base = np.where(planted, random.normal(5.2, 0.8, count), random.normal(4.0, 1.6, count))
    slope = random.uniform(*_SLOPE, count)
    library = random.normal(0, _LIBRARY_LOG_SD, len(z))
    log_mean = base[:, None] + slope[:, None] * z[genes].to_numpy().T + library
    p = 1 / (1 + _DISPERSION * np.exp(log_mean))
    counts = pd.DataFrame(
        random.negative_binomial(1 / _DISPERSION, p), index=genes.index, columns=z.index
    )
    missing = random.choice(patients, size=2 if len(patients) >= 20 else 1, replace=False)
    return counts.drop(columns=list(missing))


def draw_shown_gene(
    counts: pd.DataFrame, level: "pd.Series[float]", random: np.random.Generator
) -> np.ndarray:
    """Draw the counts of a gene whose level is planted, in the columns of `counts`.

    Parameters
    ----------
    counts
        Of the other genes, whose sum says how deeply each patient was sequenced.
    level
        Level of each patient among all, in (0, 1); a stranger has a middle one.
    """
    z = scipy.special.ndtri(level.reindex(counts.columns).fillna(0.5).to_numpy())
    library = counts.sum().to_numpy()
    mean = np.exp(_SHOWN_LOG + _SHOWN_SLOPE * z) * library / np.median(library)
    p = 1 / (1 + _SHOWN_DISPERSION * mean)
    return np.asarray(random.negative_binomial(1 / _SHOWN_DISPERSION, p))


def draw_mutations(patients: list[str], random: np.random.Generator) -> pd.DataFrame:
    """Draw the variants of all patients but one, in the columns of a MAF file."""
    profiled = list(random.permutation(patients))[1:]
    rows = []
    for symbol, gene in _MUTATED.items():
        for patient in _draw_some(profiled, gene.frequency, random):
            # Some patients carry two variants of a gene.
            for kind in random.choice(gene.kinds, size=1 + int(random.random() < 0.12)):
                rows.append(_variant(symbol, gene, str(kind), patient, random))
        for patient in _draw_some(profiled, gene.silent, random):
            rows.append(_variant(symbol, gene, _SILENT, patient, random))
    seen = {row["Tumor_Sample_Barcode"] for row in rows}
    for patient in profiled:
        if patient not in seen:
            rows.append(_variant("TTN", _MUTATED["TTN"], _SILENT, patient, random))
    order = ["Tumor_Sample_Barcode", "Chromosome", "Start_Position"]
    return pd.DataFrame(rows).sort_values(order, ignore_index=True, kind="stable")


def draw_gene_sets(
    genes: "pd.Series[str]", random: np.random.Generator
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Draw gene sets: one with most of a region's genes for each region, the others of chance.

    Returns
    -------
    The genes of each term, and the region of each term, empty for those of chance.
    """
    null = genes.index[genes == ""].to_numpy(str)
    planted = genes.index[genes != ""].to_numpy(str)
    terms, truth = {}, {}
    for region in REGIONS:
        own = genes.index[genes == region].to_numpy(str)
        chosen = random.choice(own, _PLANTED_IN_SET, replace=False)
        term = f"Demo: {region} programme"
        terms[term] = [*chosen, *random.choice(null, random.integers(3, 8), replace=False)]
        truth[term] = region
    for number in range(1, GENE_SETS - len(REGIONS) + 1):
        size, sprinkled = random.integers(15, 39), random.integers(0, 3)
        term = f"Demo: background set {number:02d}"
        chosen = random.choice(null, size - sprinkled, replace=False)
        terms[term] = [*chosen, *random.choice(planted, sprinkled, replace=False)]
        truth[term] = ""
    return {term: sorted(map(str, members)) for term, members in terms.items()}, truth


def draw_markers(genes: "pd.Series[str]", random: np.random.Generator) -> pd.DataFrame:
    """Draw markers of cell types: of each region one type that shares its genes, and others.

    Returns
    -------
    cell_type, gene, ontology_id, marker_set, region (empty for types of chance); each type has
    two marker sets.
    """
    null = genes.index[genes == ""].to_numpy(str)
    rows = []
    for (name, ontology_id), region in CELL_TYPES.items():
        own = genes.index[genes == region].to_numpy(str) if region else null
        for marker_set in ("atlas A", "atlas B"):
            chosen = [*random.choice(own, _MARKERS, replace=False)]
            chosen += random.choice(null, random.integers(2, 6), replace=False).tolist()
            rows += [(name, gene, ontology_id, marker_set, region) for gene in sorted(set(chosen))]
    return pd.DataFrame(rows, columns=["cell_type", "gene", "ontology_id", "marker_set", "region"])


def draw_references(genes: "pd.Series[str]", random: np.random.Generator) -> dict[str, list[str]]:
    """Draw reference signatures as another study might have found them, one a region."""
    null = genes.index[genes == ""].to_numpy(str)
    return {
        f"Reference {region}": sorted(
            [
                *random.choice(genes.index[genes == region].to_numpy(str), 14, replace=False),
                *random.choice(null, 10, replace=False),
            ]
        )
        for region in REGIONS
    }


def _draw_some(patients: list[str], share: float, random: np.random.Generator) -> list[str]:
    """Draw a share of the patients, rounded to whole ones."""
    return list(random.choice(patients, size=round(share * len(patients)), replace=False))


def _variant(
    symbol: str, gene: _Gene, kind: str, patient: str, random: np.random.Generator
) -> dict[str, str | int]:
    """One row of the MAF file."""
    position = int(random.integers(gene.start, gene.end))
    reference, other = random.choice(list("ACGT"), size=2, replace=False)
    if symbol == "IDH1":  # R132H, the one that matters in gliomas
        position, reference, other = 209113112, "C", "T"
    deleted = kind == _DELETION
    return {
        "Hugo_Symbol": symbol,
        "Entrez_Gene_Id": gene.entrez,
        "NCBI_Build": "GRCh37",
        "Chromosome": gene.chromosome,
        "Start_Position": position,
        "End_Position": position,
        "Variant_Classification": kind,
        "Variant_Type": "DEL" if deleted else "SNP",
        "Reference_Allele": str(reference),
        "Tumor_Seq_Allele2": "-" if deleted else str(other),
        "Tumor_Sample_Barcode": str(patient),
    }
