"""A copy of the demo cohort in which nothing hangs together any more."""

import shutil
from pathlib import Path

import pandas as pd

from histoniche.demo.cohort import write_counts, write_maf
from histoniche.demo.design import REGIONS
from histoniche.files import whole_folder, write_json, write_text
from histoniche.randomness import generator


def shuffle_labels(folder: Path, out: Path, *, seed: int) -> None:
    """Copy a demo cohort and break every link between its parts.

    Expression, survival, mutations and the columns of traits are dealt out anew to the patients,
    each by its own permutation, survival in the external cohorts too, and the labels of single
    cells to the cells of their patient. Slides, masks and scans stay as they are. The copy's
    `truth` says that nothing is planted beyond the regions.

    Patients are permuted, not genes one by one, so the genes of a region stay correlated with
    each other. Should one pass the signature's raw p by chance, many of its kind do, and their
    gene set may look enriched: over-representation takes genes for independent.

    Parameters
    ----------
    folder
        What `write_demo_cohort` wrote.
    out
        Takes the copy; what it held before is replaced.
    """
    with whole_folder(out) as work:
        shutil.copytree(folder, work, dirs_exist_ok=True)
        for sheet in (work / "patients.tsv", *work.glob("external/*/patients.tsv")):
            _shuffle_survival(sheet, seed)
        _shuffle_traits(work / "patients.tsv", seed)
        patients = list(pd.read_csv(work / "patients.tsv", sep="\t", dtype=str)["patient"])
        _shuffle_expression(work / "counts.tsv.gz", patients, seed)
        _shuffle_mutations(work / "mutations.maf", seed)
        _shuffle_cell_types(work / "cell_labels.tsv", seed)
        _write_null_truth(work / "truth")


def _shuffle_survival(path: Path, seed: int) -> None:
    """Permute pairs of time and event over the patients."""
    sheet = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    order = generator(seed, "shuffle", "survival").permutation(len(sheet))
    sheet[["time", "event"]] = sheet[["time", "event"]].to_numpy()[order]
    write_text(sheet.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _shuffle_traits(path: Path, seed: int) -> None:
    """Permute each trait over the patients."""
    sheet = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in ("egfr", "coin"):
        sheet[column] = generator(seed, "shuffle", column).permutation(sheet[column].to_numpy())
    write_text(sheet.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _shuffle_expression(path: Path, patients: list[str], seed: int) -> None:
    """Permute the columns of the cohort's patients; the others stay where they are."""
    counts = pd.read_csv(path, sep="\t", index_col="gene")
    known = [column for column in counts.columns if column in patients]
    order = generator(seed, "shuffle", "expression").permutation(len(known))
    counts[known] = counts[known].to_numpy()[:, order]
    write_counts(counts, path)


def _shuffle_mutations(path: Path, seed: int) -> None:
    """Permute the barcodes of the MAF file."""
    variants = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)
    barcodes = sorted(variants["Tumor_Sample_Barcode"].unique())
    dealt = generator(seed, "shuffle", "mutations").permutation(barcodes)
    names = dict(zip(barcodes, map(str, dealt), strict=True))
    variants["Tumor_Sample_Barcode"] = variants["Tumor_Sample_Barcode"].map(names)
    write_maf(variants, path)


def _shuffle_cell_types(path: Path, seed: int) -> None:
    """Permute the types of each patient's cells."""
    labels = pd.read_csv(path, sep="\t", dtype=str)
    random = generator(seed, "shuffle", "cells")
    labels["cell_type"] = labels.groupby("patient")["cell_type"].transform(random.permutation)
    write_text(labels.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _write_null_truth(truth: Path) -> None:
    """Say that no gene, gene set, ligand-receptor pair, hazard, trait or risk is planted."""
    for name in ("genes.tsv", "gene_sets.tsv", "cell_types.tsv"):
        _empty(truth / name, ["region"])
    _empty(truth / "interactions.tsv", ["sender", "receiver", "patients"])
    _empty(truth / "cells.tsv", ["cell_type"])
    # Where patches lie on the slides stays true.
    _empty(truth / "traits.tsv", ["egfr", "level"])
    traits = {"column": None, "gene": None, "unplanted": ["egfr", "coin", "mgmt"]}
    write_json(traits, truth / "traits.json")
    hazard = {"region": None, "hazard_ratio_per_sd": 1.0, "unplanted": list(REGIONS)}
    write_json(hazard, truth / "hazard.json")
    # What the scans show stays true, but it is nobody's risk.
    _empty(truth / "scans.tsv", ["risk"])
    scans = {"map": None, "place": None, "unplanted": ["margin_fa", "core_fa", "tumour_mm3"]}
    write_json(scans, truth / "scans.json")


def _empty(path: Path, columns: list[str]) -> None:
    """Write nothing into some columns of a table."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table[columns] = ""
    write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), path)
