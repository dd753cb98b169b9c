"""Colours: what they say, and whether everyone can tell them apart."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from histoniche.traits.colours import (
    CLASS_COLOURS,
    NEGATIVE,
    NEUTRAL,
    NO_POSITIVE,
    POSITIVE,
    as_rgb,
    class_colours,
    combination_colours,
    confidence_colours,
    confidence_strength,
    count_colours,
    diverging_colours,
)

# Severity 1.0 of Machado, Oliveira & Fernandes 2009, IEEE TVCG 15:1291.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(colours, matrix):
    share = as_rgb(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(matrix), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def least_difference(colours, matrix):
    lab = rgb2lab(seen(colours, matrix))
    apart = deltaE_ciede2000(lab[:, None], lab[None])
    return apart[np.triu_indices(len(colours), 1)].min()


def lightness(colours):
    return rgb2lab(np.asarray(colours) / 255)[..., 0]


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_are_told_apart_by_all_eyes(kind):
    assert least_difference(CLASS_COLOURS, BLINDNESS[kind]) > 15
    assert least_difference((POSITIVE, NEUTRAL, NEGATIVE), BLINDNESS[kind]) > 25
    for traits, least in ((1, 20), (2, 20), (3, 15), (4, 12)):
        shown = [NO_POSITIVE, *combination_colours(traits)]
        assert len(shown) == 2**traits
        assert least_difference(shown, BLINDNESS[kind]) > least


def test_strength_is_the_logarithm_of_the_doubt():
    found = confidence_strength(np.array([0.0, 0.9, 0.99, 1.0]))
    assert found == pytest.approx([0, 0.5, 1, 1])
    # Very light below a half, and rising fast above, as in the paper.
    assert confidence_strength(np.array([0.5]))[0] < 0.16
    # Half the doubt adds the same anywhere.
    steps = np.diff(confidence_strength(1 - np.array([0.4, 0.2, 0.1, 0.05])))
    assert steps == pytest.approx([steps[0]] * 3)


@pytest.mark.parametrize("number", [2, 8, 11])
def test_a_class_gets_darker_the_surer_and_ends_in_its_colour(number):
    sure = np.linspace(0, 1, 50)
    for which, full in enumerate(as_rgb(class_colours(number))):
        drawn = confidence_colours(np.full(50, which), sure, number)
        assert (np.diff(lightness(drawn)) <= 0.2).all()
        assert lightness(drawn)[0] > 94
        assert np.abs(drawn[-1].astype(int) - full).max() <= 1
    assert len(set(class_colours(number))) == number


def test_binary_colours_are_neutral_at_the_threshold_and_turn_there():
    drawn = diverging_colours(np.array([0, 0.3, 0.4, 0.41, 0.7, 1]), 0.4).astype(int)
    for found, colour in zip(drawn[[0, 2, 5]], (NEGATIVE, NEUTRAL, POSITIVE), strict=True):
        assert np.abs(found - as_rgb([colour])[0]).max() <= 1
    assert drawn[1, 2] > drawn[1, 0] and drawn[4, 0] > drawn[4, 2]
    # Half way on both sides, whatever the threshold.
    for threshold in (0.0, 1.0):
        assert diverging_colours(np.array([0.0, 1.0]), threshold).shape == (2, 3)


def test_more_traits_are_darker():
    assert (np.diff(lightness(as_rgb(count_colours(7)))) < 0).all()
    assert len(count_colours(1)) == 1
    for traits in (2, 3, 4):
        shades = lightness(as_rgb(combination_colours(traits)))
        number = np.array([code.bit_count() for code in range(1, 2**traits)])
        means = [shades[number == k].mean() for k in range(1, traits + 1)]
        assert (np.diff(means) < 0).all()
