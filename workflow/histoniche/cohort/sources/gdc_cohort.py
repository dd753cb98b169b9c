"""A cohort of the Genomic Data Commons: patients, slides, expression, mutations, labels."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.barcodes import patient_of
from histoniche.cohort.sources import slide_choice
from histoniche.cohort.sources.answers import plain
from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.decisions import Decision
from histoniche.cohort.sources.gathering import Gathered, Services, below
from histoniche.cohort.sources.gdc import (
    COUNTS,
    MUTATIONS,
    SLIDES,
    SUPPLEMENTS,
    read_manifest,
    sample_sheet,
    sample_type,
)
from histoniche.cohort.sources.gdc_patients import covariates_of, sheet_of
from histoniche.cohort.sources.gdc_survival import add_survival
from histoniche.cohort.sources.patient_labels import read_label
from histoniche.errors import InputError

_SLIDE_COLUMNS = ("slide", "patient", "path", "section_type", "site")
WITHDRAWN = "Redaction"
"""Class of annotations by which the GDC withdraws a case or sample."""


def gather_gdc(recipe: Mapping[str, Any], services: Services, folder: Path) -> Gathered:
    """Gather what a recipe names.

    Parameters
    ----------
    recipe
        As `read_recipe` gives it.
    services
        The services.
    folder
        Where the cohort will lie, for the paths of its configuration.
    """
    cases, withdrawn = services.gdc.cases(recipe["projects"]), _withdrawn(recipe, services)
    if not cases:
        problem, remedy = "has no cases", "name projects as the GDC's portal does"
        where = f"{services.gdc.base}/cases"
        raise InputError(problem, file=where, value=recipe["projects"], remedy=remedy)
    names = [str(case["submitter_id"]) for case in cases]
    cohort = Gathered(pd.DataFrame({"patient": names}), pd.DataFrame(columns=_SLIDE_COLUMNS))
    flow = cohort.flow
    flow.kept(f"Cases of {', '.join(recipe['projects'])}", patients=len(cases))
    out = [name for name in names if name in withdrawn]
    reason = "withdrawn by the GDC (Redaction)"
    flow.left_out("withdrawn", [Decision("patient", n, n, False, "withdrawn", reason) for n in out])
    cases = [case for case in cases if case["submitter_id"] not in withdrawn]
    patients = [str(case["submitter_id"]) for case in cases]
    if "slides" in recipe:
        _add_slides(cohort, recipe, services, patients, withdrawn)
    counted = set(cohort.slides["patient"]) if "slides" in recipe else set(patients)
    cohort.patients = sheet_of(cases)
    survivals = add_survival(cohort, recipe, services.cbioportal, cases)
    timed = {one.patient: one for one in survivals if one.time is not None}
    cohort.patients["time"] = [getattr(timed.get(p), "time", None) for p in patients]
    events = [getattr(timed.get(p), "event", None) for p in patients]
    cohort.patients["event"] = pd.array(events, dtype="Int64")
    flow.of_these("with survival time", len(counted & set(timed)))
    flow.of_these("died", sum(one.event == 1 and one.patient in counted for one in timed.values()))
    _add_tables(cohort, recipe, services, counted, folder)
    _add_labels(cohort, recipe, services.cbioportal, cases, counted)
    if beside := set(patients) - counted:
        # Expression, labels and survival go on without slides.
        flow.of_these("beside these, without a slide", len(beside))
    cohort.blocks["cohort"] = {"covariates": covariates_of(cohort.patients, recipe["labels"])}
    return cohort


def _add_tables(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    services: Services,
    counted: Collection[str],
    folder: Path,
) -> None:
    """List files of expression, mutations and clinical data, as far as the recipe wants them."""
    for what, wanted, add in (
        ("expression", COUNTS, _add_expression),
        ("mutations", MUTATIONS, _add_mutations),
    ):
        if what in recipe:
            hits = services.gdc.files(recipe["projects"], wanted)
            owners = add(cohort, recipe, services, hits, folder)
            cohort.flow.of_these(f"with {what}", len(owners.intersection(counted)))
    if recipe["supplements"]:
        hits = services.gdc.files(recipe["projects"], SUPPLEMENTS)
        cohort.remotes += [services.gdc.remote(hit, "clinical") for hit in hits]


def _add_labels(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    portal: CBioPortal,
    cases: Sequence[Mapping[str, Any]],
    counted: Collection[str],
) -> None:
    """Add a column to the sheet of patients for each label."""
    patients = cohort.patients["patient"].tolist()
    for name, entry in recipe["labels"].items():
        label = read_label(name, entry, patients=patients, cases=cases, portal=portal)
        if not label.values:
            reasons = sorted({one.reason for one in label.decisions})
            raise InputError(
                f"no patient has the label ({'; '.join(reasons)[:200]})",
                column=name,
                remedy="mend its classes in the recipe, or leave it out by --without",
            )
        cohort.patients[name] = [label.values.get(patient, "") for patient in patients]
        cohort.flow.decisions += label.decisions
        cohort.flow.of_these(f"with {name}", len(set(label.values).intersection(counted)))


def _withdrawn(recipe: Mapping[str, Any], services: Services) -> set[str]:
    """Barcodes of cases, samples and slides that the GDC withdrew."""
    notes = services.gdc.annotations(recipe["projects"])
    own = {str(one.get("entity_submitter_id") or "") for one in notes if _is_withdrawal(one)}
    return own - {""}


def _is_withdrawal(note: Mapping[str, Any]) -> bool:
    """Whether an annotation withdraws what it is on."""
    return str(note.get("classification")) == WITHDRAWN


def _add_slides(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    services: Services,
    patients: Sequence[str],
    withdrawn: Collection[str],
) -> None:
    """Choose the slides, count them, and list their files."""
    wanted = recipe["slides"]
    if "manifest" in recipe:
        hits = services.gdc.listed(read_manifest(Path(recipe["manifest"])))
        hits = [hit for hit in hits if hit.get("data_type") == "Slide Image"]
    else:
        hits = services.gdc.files(recipe["projects"], SLIDES)
    owners = {patient_of(str(hit["file_name"])) for hit in hits} - {None}
    without = [name for name in patients if name not in owners]
    reason = "the source lists no slide (kept for what needs none)"
    cohort.flow.left_out(
        "slides", [Decision("patient", n, n, False, "slides", reason) for n in without]
    )
    slides, decisions = slide_choice.choose_slides(
        hits,
        patients=set(patients),
        withdrawn=withdrawn,
        sample_types=wanted["sample_types"],
        section_types=wanted["section_types"],
        per_patient=wanted["per_patient"],
    )
    # Whole cases that were withdrawn are counted already.
    gone = [one for one in decisions if one.patient in withdrawn]
    listed = [one for one in decisions if one.patient not in withdrawn]
    left = {one.patient for one in listed} - {""}
    cohort.flow.kept("Slides listed", patients=len(left), slides=len(listed))
    cohort.flow.left_out("slides", listed)
    cohort.flow.decisions += [*gone, *(one for one in listed if one.kept)]
    remotes = [services.gdc.remote(slide.hit, "slides") for slide in slides]
    cohort.remotes += remotes
    rows = [
        (
            slide.barcode.barcode,
            slide.barcode.patient,
            remote.path,
            slide.barcode.section_type,
            slide.barcode.patient.split("-")[1],
        )
        for slide, remote in zip(slides, remotes, strict=True)
    ]
    cohort.slides = pd.DataFrame(rows, columns=list(_SLIDE_COLUMNS))
    used = cohort.slides["patient"].nunique()
    cohort.flow.kept("Slides used", patients=used, slides=len(slides))
    cohort.rules.append(slide_choice.RULE)


def _add_expression(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    services: Services,
    hits: Sequence[Mapping[str, Any]],
    folder: Path,
) -> set[str]:
    """List files of counts with their sample sheet; returns the patients who have some."""
    settings = recipe["expression"]
    used, decisions = _of_types("expression", hits, settings["sample_types"], cohort.patients)
    cohort.flow.decisions += decisions
    cohort.remotes += [services.gdc.remote(hit, "expression") for hit in used]
    sheet = pd.DataFrame(sample_sheet(used))
    cohort.texts["expression/gdc_sample_sheet.tsv"] = sheet.to_csv(sep="\t", index=False)
    if used:
        cohort.blocks["expression"] = {
            "path": below(folder, "expression"),
            "unit": settings["unit"],
            "barcode": "tcga",
            "sample_types": settings["sample_types"],
        }
    return _owners(used)


def _add_mutations(
    cohort: Gathered,
    recipe: Mapping[str, Any],
    services: Services,
    hits: Sequence[Mapping[str, Any]],
    folder: Path,
) -> set[str]:
    """List files of mutations, which become one; returns the patients who have some."""
    types = recipe["mutations"]["sample_types"]
    used, decisions = _of_types("mutations", hits, types, cohort.patients)
    cohort.flow.decisions += decisions
    remotes = [services.gdc.remote(hit, "mutations") for hit in used]
    cohort.remotes += remotes
    if not used:
        return set()
    samples = sorted(
        {
            str(sample["submitter_id"])
            for hit in used
            for sample in _samples(hit)
            if sample_type(sample) in types or not types
        }
    )
    cohort.texts["sequenced.txt"] = "\n".join(samples) + "\n"
    cohort.derived.append(
        {"make": "maf", "from": [one.path for one in remotes], "to": "mutations.maf.gz"}
    )
    cohort.blocks["mutations"] = {
        "path": below(folder, "mutations.maf.gz"),
        "sequenced": below(folder, "sequenced.txt"),
        "barcode": "tcga",
        "sample_types": types,
    }
    return _owners(used)


def _of_types(
    kind: Any,
    hits: Iterable[Mapping[str, Any]],
    types: Collection[str],
    patients: pd.DataFrame,
) -> tuple[list[Mapping[str, Any]], list[Decision]]:
    """Files of samples of kept types of the cohort's patients."""
    known = set(patients["patient"])
    used, decisions = [], []
    for hit in hits:
        owners = sorted(_owners([hit]))
        found = {sample_type(sample) for sample in _samples(hit)}
        reason = ""
        if len(owners) != 1:
            reason = "the file belongs to several patients"
        elif owners[0] not in known:
            reason = "its patient is not in the cohort"
        elif types and not found & set(types):
            reason = f"sample type: {plain(', '.join(sorted(found)))}"
        name, owner = str(hit["file_name"]), owners[0] if len(owners) == 1 else ""
        decisions.append(Decision(kind, name, owner, not reason, kind, reason))
        if not reason:
            used.append(hit)
    return used, decisions


def _samples(hit: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Samples that a file is of; of mutations the tumour and the normal one."""
    return [sample for case in hit.get("cases") or [] for sample in case.get("samples") or []]


def _owners(hits: Iterable[Mapping[str, Any]]) -> set[str]:
    """Patients of some files."""
    return {str(case["submitter_id"]) for hit in hits for case in hit.get("cases") or []}
