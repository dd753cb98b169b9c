"""Numbers as a reader wants to see them."""

import math

import pytest

from histoniche.report.measures import compared, covariate_name
from histoniche.report.numbers import format_days, format_interval, format_number, format_p, percent

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00"),
        (0.42, "0.42"),
        (0.034, "0.034"),
        (0.0012, "0.0012"),
        (3.1e-5, "3.1e-5"),
        (1.23e-120, "1.2e-120"),
        (0.0, "< 1e-300"),
        (NAN, "–"),
        (None, "–"),
    ],
)
def test_p_values_keep_two_digits_and_never_read_zero(value, text):
    assert format_p(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0123456, "0.0123"),
        (12.3456, "12.3"),
        (1234567, "1,234,567"),
        (-0.5, "−0.500"),
        (-1.5e-9, "−1.50e-9"),
        (math.inf, "∞"),
        (NAN, "–"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert format_number(value) == text


def test_interval_says_what_is_open_or_unknown():
    assert format_interval(2.414, 1.61, 3.52) == "2.41 (1.61 to 3.52)"
    assert format_interval(2.414, NAN, NAN) == "2.41"
    assert format_interval(NAN, 1, 2) == "–"
    assert format_interval(1.0, 0.0001, math.inf) == "1.00 (0.0001 to ∞)"
    assert format_interval(-0.5, -0.7, -0.2) == "−0.50 (−0.70 to −0.20)"


def test_median_survival_that_is_not_reached_is_not_a_number():
    assert format_days(452.4, 380, 1610) == "452 d (380 to 1,610)"
    assert format_days(452.4, 380, NAN) == "452 d (380 to not reached)"
    assert format_days(NAN, 380, NAN) == "not reached"


def test_percentages():
    assert percent(0.95) == "95\u00a0%"
    assert percent(0.999) == "99.9\u00a0%"


def test_hazard_ratio_of_an_area_tells_its_unit():
    assert compared("area", "per SD (10.2)", "area_mm2") == "per SD (10.2 mm²)"
    assert compared("area", "per SD (0.12)", "tissue_share") == "per SD (0.12 of the tissue)"
    assert compared("covariate", "per 10 years", "pixels") == "per 10 years"
    assert [covariate_name(term) for term in ("age", "sex: M")] == ["age", "sex"]
