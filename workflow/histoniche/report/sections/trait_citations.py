"""Publications behind what was done with traits."""

from collections.abc import Iterator

from histoniche.report.results import Results
from histoniche.report.trait_settings import bag_traits, folds, run_tests, shows_cam, tile_traits

TRAIT_CITATIONS = {
    "PathoMCH": "Levy-Jurgenson A, Tekpli X, Kristensen VN, Yakhini Z. Spatial transcriptomics "
    "inferred from pathology whole-slide images links tumor heterogeneity to survival in breast "
    "and lung cancer. Sci Rep 2020;10:18802. doi:10.1038/s41598-020-75708-z",
    "grading": "Truong AH, Sharmanska V, Limbäck-Stanic C, Grech-Sollars M. Optimization of deep "
    "learning methods for visualization of tumor heterogeneity and brain tumor grading through "
    "digital pathology. Neurooncol Adv 2020;2:vdaa110. doi:10.1093/noajnl/vdaa110",
    "temperature": "Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural "
    "networks. Proc Mach Learn Res 2017;70:1321. doi:10.48550/arXiv.1706.04599",
    "attention": "Ilse M, Tomczak JM, Welling M. Attention-based deep multiple instance learning. "
    "Proc Mach Learn Res 2018;80:2127. doi:10.48550/arXiv.1802.04712",
    "Grad-CAM": "Selvaraju RR, Cogswell M, Das A, et al. Grad-CAM: visual explanations from deep "
    "networks via gradient-based localization. ICCV 2017:618. doi:10.1109/ICCV.2017.74",
    "folds": "Parker BJ, Günter S, Bedo J. Stratification bias in low signal microarray studies. "
    "BMC Bioinformatics 2007;8:326. doi:10.1186/1471-2105-8-326",
    "corrected": "Nadeau C, Bengio Y. Inference for the generalization error. Mach Learn "
    "2003;52:239. doi:10.1023/A:1024068626366",
}
"""Publications of the methods, by short name."""


def trait_citations(results: Results) -> Iterator[str]:
    """Short names of the publications behind what ran."""
    block = results.block("traits")
    if not block:
        return
    yield "PathoMCH"
    if results.paths("trait_chains") or results.has("trait_comparisons"):
        yield "grading"
    if tile_traits(results):
        yield "temperature"
    if bag_traits(results):
        yield "attention"
    if shows_cam(results):
        yield "Grad-CAM"
    if folds(results):
        yield "folds"
    if "corrected" in run_tests(results):
        yield "corrected"
