import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.demo.design import REGIONS, draw_design
from histoniche.demo.layout import draw_layout
from histoniche.demo.molecular import draw_shown_gene
from histoniche.demo.textures import draw_stain, render_section
from histoniche.demo.traits import (
    TRAIT_GENE,
    Patches,
    describe_traits,
    draw_patches,
    draw_traits,
    measure_patches,
)
from histoniche.randomness import generator
from histoniche.traits.heterogeneity import heterogeneity_index

PATIENTS = [f"P{number:03d}" for number in range(1, 41)]
LIVING = [number for number, region in enumerate(REGIONS, 1) if region != "CTne"]


@pytest.fixture(scope="module")
def labels():
    """Label map of one section."""
    areas = draw_design(PATIENTS[:20], seed=2).areas.loc["P003"].to_dict()
    return draw_layout(areas, size=(900, 950), random=generator(2, "map"))


def render(labels, patches):
    stain = draw_stain("Aster", generator(2, "stain"))
    return render_section(labels, stain=stain, random=generator(2, "picture"), patches=patches)


def traits_of(**changes):
    row = {
        "egfr": "amplified",
        "level": 0.95,
        "egfr_share": 0.5,
        "gene_share": 0.4,
        "coin": "tails",
    }
    return pd.Series({**row, **changes})


def shares(labels, patches):
    """Share of the living tissue in which each trait shows."""
    living = np.isin(labels, LIVING)
    return [float((plane[living] >= 0.5).mean()) for plane in patches]


@pytest.mark.parametrize("seed", [7, 8, 21])
def test_traits_go_with_nothing_else_that_is_planted(seed):
    design = draw_design(PATIENTS, seed=seed)
    traits = draw_traits(design, seed=seed)
    assert traits["egfr"].value_counts().to_dict() == {"amplified": 20, "normal": 20}
    assert traits["coin"].value_counts().to_dict() == {"heads": 20, "tails": 20}
    assert traits[["egfr_share", "gene_share"]].min().min() == pytest.approx(0.35, abs=0.02)
    assert traits[["egfr_share", "gene_share"]].max().max() == pytest.approx(1, abs=0.02)
    numbers = traits.assign(egfr=traits["egfr"] == "amplified", coin=traits["coin"] == "heads")
    others = design.areas.assign(age=design.age, fate=design.fate)
    rho = numbers.astype(float).join(others).corr("spearman").loc[list(numbers)]
    assert (rho.abs() < 0.3).sum().sum() == rho.size - len(rho)
    assert rho[list(others)].abs().to_numpy().mean() < 0.1


def test_the_design_stays_as_it_is_without_traits():
    before = draw_design(PATIENTS, seed=7)
    draw_traits(before, seed=7)
    assert before.areas.equals(draw_design(PATIENTS, seed=7).areas)


@pytest.mark.parametrize("count", [4, 6])
def test_small_cohorts_have_both_classes(count):
    traits = draw_traits(draw_design(PATIENTS[:count], seed=5), seed=5)
    assert (traits[["egfr", "coin"]].nunique() == 2).all()


def test_traits_show_in_their_share_of_the_living_tissue(labels):
    patches = draw_patches(labels, traits_of(), generator(3, "patches"))
    assert shares(labels, patches) == pytest.approx([0.5, 0.4], abs=0.03)
    for plane in patches:
        assert not plane[~np.isin(labels, LIVING)].any()
        assert plane.min() >= 0 and plane.max() <= 1


def test_traits_that_a_patient_lacks_show_nowhere_and_the_gene_the_more_the_more(labels):
    lacking = traits_of(egfr="normal", level=0.1)
    assert not np.any(draw_patches(labels, lacking, generator(3, "patches")))
    strength = [
        draw_patches(labels, traits_of(level=level), generator(3, "patches")).cysts.max()
        for level in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    assert strength == sorted(set(strength))


def test_planted_heterogeneity_is_that_of_the_workflow(labels):
    patches = draw_patches(labels, traits_of(), generator(4, "patches"))
    found = measure_patches(labels, patches)
    positive = np.stack([plane[labels > 0] >= 0.5 for plane in patches], axis=1)
    assert found["hti"] == pytest.approx(heterogeneity_index(positive), abs=1e-9)
    assert 0.5 < found["hti"] <= 1
    assert found["egfr_tissue"] == pytest.approx(positive[:, 0].mean())
    nothing = measure_patches(labels, Patches(*np.zeros((2, *labels.shape), np.float32)))
    assert np.isnan(nothing["hti"]) and nothing["egfr_tissue"] == 0


def test_patches_change_textures_where_they_are_and_hardly_a_regions_colour(labels):
    living = np.isin(labels, LIVING)
    nothing = np.zeros(labels.shape, np.float32)
    everywhere = living.astype(np.float32)
    plain = render(labels, None).astype(float)
    assert np.array_equal(plain, render(labels, Patches(nothing, nothing)))
    tumour = labels == REGIONS.index("CT") + 1
    for patches in (Patches(everywhere, nothing), Patches(nothing, everywhere)):
        shown = render(labels, patches).astype(float)
        assert np.abs(shown - plain)[tumour].mean() > 2
        for number in LIVING:
            own = labels == number
            assert np.abs(shown[own].mean(0) - plain[own].mean(0)).max() < 4
        assert np.abs(shown - plain)[labels == 0].mean() < 0.5


def test_a_shown_gene_follows_its_level_and_the_depth_of_sequencing():
    random = np.random.default_rng(3)
    library = random.integers(1000, 4000, len(PATIENTS) + 1)
    counts = pd.DataFrame([library, library], columns=[*PATIENTS, "P041"])
    level = pd.Series((random.permutation(40) + 0.5) / 40, index=PATIENTS)
    drawn = pd.Series(draw_shown_gene(counts, level, random), index=counts.columns)
    scaled = drawn / library
    assert scipy.stats.spearmanr(scaled[PATIENTS], level).statistic > 0.97
    assert scaled[level.idxmin()] < scaled["P041"] < scaled[level.idxmax()]


def test_truth_names_the_gene_and_what_shows_nowhere():
    truth = describe_traits()
    assert truth["gene"] == TRAIT_GENE
    assert "coin" in truth["unplanted"]
