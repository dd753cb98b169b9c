"""Publications behind signatures learned from survival."""

from collections.abc import Iterator

from histoniche.report.results import Results
from histoniche.report.risk_settings import signatures_of

RISK_CITATIONS = {
    "DTI signature": "Yan J, Zhao Y, Chen Y, et al. Deep learning features from diffusion tensor "
    "imaging improve glioma stratification and identify risk groups with distinct molecular "
    "pathway activities. EBioMedicine 2021;72:103583. doi:10.1016/j.ebiom.2021.103583",
    "ResNet": "He K, Zhang X, Ren S, Sun J. Deep residual learning for image recognition. CVPR "
    "2016:770. doi:10.1109/CVPR.2016.90",
    "ties": "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat "
    "Assoc 1977;72:557. doi:10.1080/01621459.1977.10480613",
    "concordance": "Harrell FE, Califf RM, Pryor DB, Lee KL, Rosati RA. Evaluating the yield of "
    "medical tests. JAMA 1982;247:2543. doi:10.1001/jama.1982.03320430047030",
    "CAM": "Zhou B, Khosla A, Lapedriza A, Oliva A, Torralba A. Learning deep features for "
    "discriminative localization. CVPR 2016:2921. doi:10.48550/arXiv.1512.04150",
    "dipy": "Garyfallidis E, Brett M, Amirbekian B, et al. Dipy, a library for the analysis of "
    "diffusion MRI data. Front Neuroinform 2014;8:8. doi:10.3389/fninf.2014.00008",
    "nibabel": "Brett M, Markiewicz CJ, Hanke M, et al. nibabel: access a cacophony of "
    "neuro-imaging file formats. Zenodo. doi:10.5281/zenodo.591597",
}
"""Publications of the methods, by short name."""


def risk_citations(results: Results) -> Iterator[str]:
    """Short names of the publications behind what ran."""
    found = {one.block: one.settings for one in signatures_of(results)}
    if "imaging" in found:
        yield "DTI signature"
        if "resnet" in str((found["imaging"].get("training") or {}).get("network", "")):
            yield "ResNet"
        yield from ("dipy", "nibabel")
        if results.has("activation_groups"):
            yield "CAM"
    if "slide_signature" in found and not results.has("trait_metrics"):
        yield "attention"
    if any((own.get("training") or {}).get("ties", "efron") == "efron" for own in found.values()):
        yield "ties"
    if found:
        yield "concordance"
