"""Section that says in plain words what the numbers of the page mean."""

from histoniche.report.blocks import Bullets, Paragraph, Section
from histoniche.report.results import Results

WORDS = {
    "": (
        "p: how often chance alone would give a result as large, in one test.",
        "q: p after Benjamini-Hochberg correction for the tests made beside it. Of findings with "
        "q < 0.05, about one in twenty is expected to be false.",
        "In brackets behind a number: its interval, the values that go well with the data. A wide "
        "one says little.",
    ),
    "metrics": (
        "IoU (intersection over union), Dice: how well a found region covers the annotated one; 0 "
        "not at all, 1 exactly.",
    ),
    "trait_metrics": (
        "AUROC: of one with the trait and one without, how often the first has the higher score; "
        "0.5 is chance, 1 perfect.",
    ),
    "heterogeneity": (
        "HTI (heterogeneity index): 0 one combination of traits on all tiles, 1 all equally often.",
    ),
    "correlation": (
        "ρ (Spearman's correlation): 1 both always rise together, −1 one falls as the other "
        "rises, 0 neither.",
        "Signature of a region: the genes that rise with its area over the patients.",
    ),
    "enrichment": (
        "Odds ratio of a gene set: above 1 the signature holds more of its genes than chance.",
    ),
    "curves": (
        "Kaplan-Meier curve: the share alive by time. Censored: alive when last seen, so that the "
        "time of death is not known.",
    ),
    "cox": (
        "Hazard ratio: how many times higher the risk of dying is, at any time; 1 no "
        "difference, above 1 shorter survival. Per SD: for one standard deviation more.",
    ),
    "model_performance": (
        "C-index (concordance): of two patients, how often the one who died sooner had the higher "
        "risk; 0.5 is chance, 1 perfect.",
    ),
    "clinical": (
        "Nomogram: points for each value, added up and read as a share alive. Calibration: "
        "whether as many die as predicted.",
        "NRI (net reclassification improvement), IDI: whether those who died get higher risks "
        "with the score, and survivors lower ones; above 0 they do. Decision curve: whether "
        "acting on a risk does more good than harm.",
    ),
}
"""What is explained, by the table that makes it stand on the page; "" is always explained."""


def words_section(results: Results) -> Section:
    """Explain the measures that stand on this page, and no others."""
    shown = [texts for name, texts in WORDS.items() if not name or results.has(name)]
    told = [text for texts in shown for text in texts]
    note = Paragraph("Under each figure stands how to read it; n is the number of patients.")
    return Section("words", "What the numbers mean", [note, Bullets(told)])
