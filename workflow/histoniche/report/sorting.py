"""What a cell of a table sorts by, where its text does not say."""

import re

_NUMBER = re.compile(r"([<>])?\s*([−-]?)(∞|\d[\d,]*(?:\.\d+)?(?:e[−-]?\d+)?)")
_OPEN = "not reached"


def sort_value(text: str) -> str:
    """Number by which a cell sorts: that of the estimate, not of its interval.

    Parameters
    ----------
    text
        As `histoniche.report.numbers` writes it: "2.41 (1.61 to 3.52)", "39 / 31",
        "< 1e-300", "3.1e-5", "1,204", "95 %", "∞".

    Returns
    -------
    A number as JavaScript reads it. What is only known to lie below a number comes just before
    it, a median that is not reached comes last, and a cell without a number has none: "".
    """
    if text.startswith(_OPEN):
        return "Infinity"
    found = _NUMBER.search(text)
    if found is None:
        return ""
    beyond, sign, digits = found.groups()
    minus = "-" if sign else ""
    if digits == "∞":
        return f"{minus}Infinity"
    number = minus + digits.replace(",", "").replace("−", "-")
    if beyond is None:
        return number
    # A double's own neighbours, so that "<0.001" stands before "0.001" and after "0.0009".
    value = float(number)
    nearly = 1 - 1e-9 if (beyond == "<") == (value > 0) else 1 + 1e-9
    return repr(value * nearly)
