"""Gene set enrichment over all genes, ranked by their correlation with a region's area."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import gseapy
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.omics.gene_sets import admissible_sets
from histoniche.randomness import derived_seed
from histoniche.tables import read_table, write_table

DTYPES: dict[str, Any] = {
    "region": object,
    "library": object,
    "term": object,
    "n": "int64",
    "set_size": "int64",
    "ranked": "int64",
    "es": "float64",
    "nes": "float64",
    "p": "float64",
    "q": "float64",
    "p_log2_error": "float64",
    "leading": "int64",
    "genes": object,
}

_NUMBERS = {"ES": "es", "NES": "nes", "NOM p-val": "p", "log2err": "p_log2_error"}

Sets = Mapping[str, Collection[str]]


def enrich_rankings(
    correlation: Path,
    gene_sets: Mapping[str, Path],
    *,
    gsea: Path,
    min_size: int,
    max_size: int,
    permutations: int,
    seed: int,
    threads: int = 1,
) -> None:
    """Test every library of gene sets in every region's ranking of genes.

    Parameters
    ----------
    correlation
        What `histoniche.omics.correlation.correlate_expression` wrote. A
        region's ranking is that of its tested genes by rho; genes of one rho
        stand in the order of their names.
    gene_sets
        GMT files by the short name of the library.
    gsea
        Written: region, library, term, n (patients behind rho), and what
        `preranked` gives; a row a region and set of admissible size. q is over
        the sets of the library in the region.
    min_size, max_size
        Sets with fewer or more ranked genes are left out.
    permutations, threads
        See `preranked`.
    seed
        The run's seed.

    Raises
    ------
    InputError
        If a library is no GMT file, knows none of the genes, or has no set of
        admissible size.
    """
    tested = read_table(correlation)
    tested = tested[tested["rho"].notna()].sort_values(["rho", "gene"], ascending=[False, True])
    libraries = {
        name: admissible_sets(path, set(tested["gene"]), min_size=min_size, max_size=max_size)
        for name, path in gene_sets.items()
    }
    tables = []
    for region, rows in tested.groupby("region"):
        ranking = rows.set_index("gene")["rho"]
        for library, sets in libraries.items():
            ranked = {term: members.intersection(ranking.index) for term, members in sets.items()}
            found = preranked(
                ranking,
                {term: members for term, members in ranked.items() if len(members) >= min_size},
                permutations=permutations,
                seed=derived_seed(seed, "gsea", region, library),
                threads=threads,
            )
            patients = int(rows["n"].iloc[0])
            tables.append(found.assign(region=region, library=library, n=patients))
    empty = pd.DataFrame(columns=list(DTYPES))
    table = pd.concat(tables, ignore_index=True) if tables else empty
    write_table(table[list(DTYPES)].astype(DTYPES), gsea)


def preranked(
    ranking: "pd.Series[float]", sets: Sets, *, permutations: int, seed: int, threads: int = 1
) -> pd.DataFrame:
    """Gene set enrichment analysis of one ranking, by gseapy.

    Parameters
    ----------
    ranking
        Score by gene, the largest first; genes of one score stay in their order.
    sets
        Ranked genes by term.
    permutations
        Random sets of each size, on which `nes` and p rest; more make p surer.
    seed
        The same seed gives the same numbers, whatever the number of threads.

    Returns
    -------
    A row a set, smallest p first, with

    - term, set_size, and ranked, the number of genes in the ranking;
    - es, in [-1, 1]: the largest distance from 0 of the running sum that
      rises at each gene of the set by its share of the set's absolute scores
      and falls at each other gene alike; above 0 the set stands at the top of
      the ranking (genes that rise with the area), below 0 at its end;
    - nes: es by the mean es of random sets of this size and sign;
    - p: the chance that a random set of this size and sign has as extreme an
      es, with 1 added to both counts; where no random set came near,
      multilevel splitting estimates it down to 1e-50;
    - p_log2_error: its expected error in powers of two; NaN where unknown;
    - q: Benjamini-Hochberg's over `sets`;
    - leading and genes: number and names of the genes up to the running sum's
      extreme (leading edge), outermost first.

    A set of all ranked genes has no row. nes and p are NaN where no random set
    has the sign of es. Random sets ignore how genes go along with each other,
    so that p of sets of co-expressed genes is too small.

    References
    ----------
    Subramanian et al. 2005, PNAS 102:15545, doi:10.1073/pnas.0506580102.
    Korotkevich et al. 2021, bioRxiv 060012, doi:10.1101/060012 (fgsea).
    """
    # gseapy guesses at names (upper case, Entrez numbers) and changes them; codes leave it nothing.
    codes = {str(gene): f"G{position}X" for position, gene in enumerate(ranking.index)}
    names = {code: gene for gene, code in codes.items()}
    coded = {term: [codes[gene] for gene in sorted(members)] for term, members in sets.items()}
    if not coded:
        return pd.DataFrame(columns=list(DTYPES))
    found = gseapy.prerank(
        ranking.set_axis([*names]),
        coded,
        method="multilevel",
        permutation_num=permutations,
        seed=seed,
        threads=threads,
        min_size=1,
        max_size=len(ranking),
        outdir=None,
        no_plot=True,
        ascending=None,
    ).res2d
    table = found[[*_NUMBERS]].astype("float64").rename(columns=_NUMBERS)
    edges = [[names[code] for code in cell.split(";") if code] for cell in found["Lead_genes"]]
    table = table.assign(
        term=found["Term"],
        set_size=[len(coded[term]) for term in found["Term"]],
        ranked=len(ranking),
        q=false_discovery(table["p"].to_numpy()),
        leading=[len(edge) for edge in edges],
        genes=[";".join(edge) for edge in edges],
    )
    return table.sort_values(["p", "term"], ignore_index=True)
