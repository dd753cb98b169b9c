"""Publications behind the methods, and which of them a run rests on."""

from collections.abc import Iterator

from histoniche.report.results import Results
from histoniche.report.sections.meaning_methods import meaning_citations
from histoniche.report.sections.risk_citations import RISK_CITATIONS, risk_citations
from histoniche.report.sections.trait_citations import TRAIT_CITATIONS, trait_citations

CITATIONS = {
    "GBM_WSSM": "Zadeh Shirazi A, McDonnell MD, Fornaciari E, et al. A deep convolutional neural "
    "network for segmentation of whole-slide pathology images identifies novel tumour "
    "cell-perivascular niche interactions that are associated with poor survival in glioblastoma. "
    "Br J Cancer 2021;125:337. doi:10.1038/s41416-021-01394-x",
    **TRAIT_CITATIONS,
    **RISK_CITATIONS,
    "Snakemake": "Mölder F, Jablonski KP, Letcher B, et al. Sustainable data analysis with "
    "Snakemake. F1000Research 2021;10:33. doi:10.12688/f1000research.29032.2",
    "smp": "Iakubovskii P. Segmentation Models Pytorch. GitHub repository, 2019 (without a DOI).",
    "lifelines": "Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw "
    "2019;4:1317. doi:10.21105/joss.01317",
    "Grubbs": "Grubbs FE. Procedures for detecting outlying observations in samples. "
    "Technometrics 1969;11:1. doi:10.1080/00401706.1969.10490657",
    "median": "Brookmeyer R, Crowley J. A confidence interval for the median survival time. "
    "Biometrics 1982;38:29. doi:10.2307/2530286",
    "cut": "Lausen B, Schumacher M. Maximally selected rank statistics. Biometrics 1992;48:73. "
    "doi:10.2307/2532740",
    "PH": "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted "
    "residuals. Biometrika 1994;81:515. doi:10.1093/biomet/81.3.515",
    "Uno C": "Uno H, Cai T, Pencina MJ, et al. On the C-statistics for evaluating overall adequacy "
    "of risk prediction procedures with censored survival data. Stat Med 2011;30:1105. "
    "doi:10.1002/sim.4154",
    "AUC": "Blanche P, Dartigues JF, Jacqmin-Gadda H. Estimating and comparing time-dependent "
    "areas under receiver operating characteristic curves for censored event times with competing "
    "risks. Stat Med 2013;32:5381. doi:10.1002/sim.5958",
    "Brier": "Graf E, Schmoor C, Sauerbrei W, Schumacher M. Assessment and comparison of "
    "prognostic classification schemes for survival data. Stat Med 1999;18:2529. "
    "doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5",
    "ICI": "Austin PC, Harrell FE, van Klaveren D. Graphical calibration curves and the integrated "
    "calibration index (ICI) for survival models. Stat Med 2020;39:2714. doi:10.1002/sim.8570",
    "NRI": "Pencina MJ, D'Agostino RB, Steyerberg EW. Extensions of net reclassification "
    "improvement calculations to measure usefulness of new biomarkers. Stat Med 2011;30:11. "
    "doi:10.1002/sim.4085",
    "IDI": "Uno H, Tian L, Cai T, Kohane IS, Wei LJ. A unified inference procedure for a class of "
    "measures to assess improvement in risk prediction systems with survival data. Stat Med "
    "2013;32:2430. doi:10.1002/sim.5647",
    "decision": "Vickers AJ, Cronin AM, Elkin EB, Gonen M. Extensions to decision curve analysis, "
    "a novel method for evaluating diagnostic tests, prediction models and molecular markers. BMC "
    "Med Inform Decis Mak 2008;8:53. doi:10.1186/1472-6947-8-53",
    "maxT": "Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993 (a book, "
    "without a DOI).",
    "DESeq2": "Love MI, Huber W, Anders S. Moderated estimation of fold change and dispersion for "
    "RNA-seq data with DESeq2. Genome Biol 2014;15:550. doi:10.1186/s13059-014-0550-8",
    "PyDESeq2": "Muzellec B, Teleńczuk M, Cabeli V, Andreux M. PyDESeq2: a python package for bulk "
    "RNA-seq differential expression analysis. Bioinformatics 2023;39:btad547. "
    "doi:10.1093/bioinformatics/btad547",
    "gseapy": "Fang Z, Liu X, Peltz G. GSEApy: a comprehensive package for performing gene set "
    "enrichment analysis in Python. Bioinformatics 2023;39:btac757. "
    "doi:10.1093/bioinformatics/btac757",
    "GSEA": "Subramanian A, Tamayo P, Mootha VK, et al. Gene set enrichment analysis: a "
    "knowledge-based approach for interpreting genome-wide expression profiles. Proc Natl Acad "
    "Sci USA 2005;102:15545. doi:10.1073/pnas.0506580102",
    "Louvain": "Blondel VD, Guillaume JL, Lambiotte R, Lefebvre E. Fast unfolding of communities "
    "in large networks. J Stat Mech 2008:P10008. doi:10.1088/1742-5468/2008/10/P10008",
    "BH": "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful "
    "approach to multiple testing. J R Stat Soc B 1995;57:289. "
    "doi:10.1111/j.2517-6161.1995.tb02031.x",
    "GSVA": "Hänzelmann S, Castelo R, Guinney J. GSVA: gene set variation analysis for microarray "
    "and RNA-seq data. BMC Bioinformatics 2013;14:7. doi:10.1186/1471-2105-14-7",
    "ssGSEA": "Barbie DA, Tamayo P, Boehm JS, et al. Systematic RNA interference reveals that "
    "oncogenic KRAS-driven cancers require TBK1. Nature 2009;462:108. doi:10.1038/nature08460",
    "scanpy": "Wolf FA, Angerer P, Theis FJ. SCANPY: large-scale single-cell gene expression data "
    "analysis. Genome Biol 2018;19:15. doi:10.1186/s13059-017-1382-0",
    "score": "Satija R, Farrell JA, Gennert D, Schier AF, Regev A. Spatial reconstruction of "
    "single-cell gene expression data. Nat Biotechnol 2015;33:495. doi:10.1038/nbt.3192",
    "UMAP": "McInnes L, Healy J, Melville J. UMAP: uniform manifold approximation and projection "
    "for dimension reduction. 2018. doi:10.48550/arXiv.1802.03426",
    "SingleCellSignalR": "Cabello-Aguilar S, Alame M, Kon-Sun-Tack F, et al. SingleCellSignalR: "
    "inference of intercellular networks from single-cell transcriptomics. Nucleic Acids Res "
    "2020;48:e55. doi:10.1093/nar/gkaa183",
    "conjunction": "Nichols T, Brett M, Andersson J, Wager T, Poline JB. Valid conjunction "
    "inference with the minimum statistic. NeuroImage 2005;25:653. "
    "doi:10.1016/j.neuroimage.2004.12.005",
    "RO-Crate": "Soiland-Reyes S, Sefton P, Crosas M, et al. Packaging research artefacts with "
    "RO-Crate. Data Science 2022;5:97. doi:10.3233/DS-210053",
}
"""Publications of the methods, by short name."""

_WITH_TABLE = {
    "cox": ("lifelines", "Grubbs"),
    "cut_points": ("median", "cut"),
    "model_performance": ("PH", "Uno C", "AUC", "Brier"),
    "clinical": ("ICI", "NRI", "IDI", "decision"),
    "enrichment": ("gseapy",),
    "differential": ("DESeq2", "PyDESeq2"),
    "cells": ("scanpy", "score", "UMAP"),
    "interactions": ("SingleCellSignalR", "conjunction"),
}
"""Publications that come with a table of results."""


def cited(results: Results) -> Iterator[str]:
    """Short names of the publications behind what ran, each once."""
    yield from dict.fromkeys(_cited(results))


def _cited(results: Results) -> Iterator[str]:
    """Short names, some of them twice."""
    yield "GBM_WSSM"
    if results.block("segmentation"):
        yield "smp"
    yield from trait_citations(results)
    yield from risk_citations(results)
    for name, publications in _WITH_TABLE.items():
        if results.has(name):
            yield from publications
    yield from meaning_citations(results)
    if results.has("correlation") and results.block("signatures").get("permutations"):
        yield "maxT"
    methods = [
        results.block(block).get("method", "gsva")
        for block, names in (
            ("activity", ("activity_correlation", "activity_comparison")),
            ("pathways", ("pathway_correlation",)),
        )
        if any(map(results.has, names))
    ]
    yield from ({"gsva": "GSVA", "ssgsea": "ssGSEA"}[method] for method in methods)
    if results.has("pathway_correlation"):
        yield from ("DTI signature", "DESeq2", "PyDESeq2")
    if results.has("cox") or results.has("correlation"):
        yield "BH"
    yield from ("Snakemake", "RO-Crate")
