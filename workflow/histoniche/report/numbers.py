"""Numbers as a reader wants to see them."""

import math

MISSING = "–"
"""What stands where there is no number."""

_SMALLEST = 1e-300


def format_p(value: float | None) -> str:
    """Write a p or q value: 0.42, 0.034, 0.0012, 3.1e-5.

    Parameters
    ----------
    value
        From 0 to 1; NaN or None where there is none. Below what a double can
        tell from 0 it reads "< 1e-300".
    """
    if value is None or math.isnan(value):
        return MISSING
    if value < _SMALLEST:
        return "< 1e-300"
    for floor, decimals in ((0.1, 2), (0.01, 3), (0.001, 4)):
        if value >= floor:
            return f"{value:.{decimals}f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def format_number(value: float | None, digits: int = 3) -> str:
    """Write a number with `digits` significant digits, thousands set apart by commas."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(power)}".replace("-", "−", 1 if value < 0 else 0)
    decimals = max(0, digits - 1 - exponent)
    return f"{value:,.{decimals}f}".replace("-", "−")


def format_interval(value: float, low: float, high: float, *, decimals: int = 2) -> str:
    """Write an estimate with its interval: 2.41 (1.61 to 3.52); without one, the estimate alone."""
    if math.isnan(value):
        return MISSING
    estimate = f"{value:,.{decimals}f}".replace("-", "−")
    if math.isnan(low) and math.isnan(high):
        return estimate
    ends = " to ".join(_end(end, decimals) for end in (low, high))
    return f"{estimate} ({ends})"


def format_days(value: float, low: float, high: float) -> str:
    """Write a median time with its interval; "not reached" where a curve stays above a half."""
    middle, start, end = (
        f"{days:,.0f}" if math.isfinite(days) else "not reached" for days in (value, low, high)
    )
    return f"{middle} d ({start} to {end})" if math.isfinite(value) else middle


def percent(share: float) -> str:
    """Write a share as a percentage: 95 %, 99.9 %; the space does not break."""
    if math.isnan(share):
        return MISSING
    return f"{100 * share:.3g}\u00a0%"


def _end(value: float, decimals: int) -> str:
    """One end of an interval; a dash where it is unknown, infinity where it is open."""
    if math.isnan(value):
        return "?"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals and value and abs(value) < 0.5 * 10**-decimals:
        return format_number(value, 1)
    if abs(value) >= 1000:
        return format_number(value, 4)
    return f"{value:.{decimals}f}".replace("-", "−")
