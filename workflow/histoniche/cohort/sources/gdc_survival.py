"""Survival of a cohort of the GDC: reckoned, set beside what cBioPortal states, and filled up."""

from collections.abc import Mapping, Sequence
from typing import Any

from histoniche.cohort.sources import follow_up
from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.gathering import Gathered
from histoniche.cohort.sources.stated_survival import read_stated
from histoniche.wording import count


def add_survival(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    portal: CBioPortal,
    cases: Sequence[Mapping[str, Any]],
) -> list[follow_up.Survival]:
    """Reckon survival, set it beside what cBioPortal states, and fill gaps from there."""
    own = [follow_up.survival_of(case) for case in cases]
    filled: set[str] = set()
    cohort.rules.append(follow_up.RULE)
    settings = recipe["survival"]
    stated = {studies: read_stated(portal, studies) for studies in map(tuple, settings.values())}
    if "check_with" in settings:
        studies = tuple(settings["check_with"])
        table = follow_up.compare_survival(own, stated[studies])
        cohort.tables["survival_check.tsv"] = table
        verdicts = table["verdict"].value_counts()
        said = ", ".join(f"{verdict} {number}" for verdict, number in verdicts.items())
        cohort.warnings.append(f"survival beside {' and '.join(studies)}: {said or 'nobody'}")
    source = " and ".join(settings.get("complete_from", ()))
    if source:
        timeless = {one.patient for one in own if one.time is None}
        own = follow_up.complete_survival(own, stated[tuple(settings["complete_from"])])
        filled = {one.patient for one in own if one.time is not None} & timeless
        said = count(len(filled), "patient")
        cohort.warnings.append(f"survival of {said} is that of {source}")
        cohort.rules.append(f"Patients without a time in the GDC have that of {source}, if any.")
    warning = follow_up.only_the_dead(cases, own)
    if warning:
        cohort.warnings.append(warning)
    cohort.flow.decisions += [
        one._replace(reason=f"as {source} states") if one.name in filled else one
        for one in follow_up.survival_decisions(own)
    ]
    return own
