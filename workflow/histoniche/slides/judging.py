"""Judging: whether a slide that was inspected is used, by limits that the config states."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from histoniche.slides.artefact_kinds import KINDS


class Verdict(NamedTuple):
    """What becomes of a slide: status (ok or skipped), the reason, and its flags in words."""

    status: str
    reason: str
    flags: str


def judge(facts: Mapping[str, Any], limits: Mapping[str, Any]) -> Verdict:
    """Judge a slide by what its inspection measured.

    Parameters
    ----------
    facts
        What `inspect_slide` wrote: `readable` and either `reason`, or
        `tissue_mm2`, `blank_share` and the share of each kind of artefact.
    limits
        The config's block `slides.limits`.

    Returns
    -------
    The verdict. Flags name every share above its limit, whether or not they
    lead to exclusion.
    """
    if not facts["readable"]:
        return Verdict("skipped", str(facts["reason"]), "")
    shares = {
        "blank": (facts["blank_share"], "slide"),
        **{kind: (facts[f"{kind}_share"], "tissue") for kind in KINDS},
    }
    flags = "; ".join(
        f"{kind} {share:.0%} of the {whole}"
        for kind, (share, whole) in shares.items()
        if share > limits["max_share"][kind]
    )
    least = limits["min_tissue_mm2"]
    if facts["tissue_mm2"] < least:
        reason = f"only {facts['tissue_mm2']:.3g} mm² of tissue, less than {least:g} mm²"
        return Verdict("skipped", reason, flags)
    if flags and limits["on_flagged"] == "exclude":
        return Verdict("skipped", f"flagged: {flags}", flags)
    return Verdict("ok", "", flags)
