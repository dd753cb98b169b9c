"""Survival as a study of cBioPortal states it."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from histoniche.cohort.importers import import_cbioportal
from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.portal_files import write_clinical
from histoniche.errors import InputError

_NEEDED = ("OS_MONTHS", "OS_STATUS")


def read_stated(portal: CBioPortal, studies: Iterable[str]) -> pd.DataFrame:
    """Times and events of the patients of some studies.

    Parameters
    ----------
    portal
        cBioPortal.
    studies
        Their ids, or folders. The first that knows a patient's time counts.

    Returns
    -------
    One row a patient: patient, time (days), event, NaN where unknown.

    Raises
    ------
    InputError
        If a study has none.
    """
    tables = pd.concat([_read_study(portal, study) for study in studies])
    # Those with a time come first, in the order of the studies.
    ordered = tables.sort_values("time", key=lambda times: times.isna(), kind="stable")
    return ordered.drop_duplicates("patient").sort_values("patient", ignore_index=True)


def _read_study(portal: CBioPortal, study: str) -> pd.DataFrame:
    """Times and events of one study's patients."""
    clinical = portal.clinical(study, "patient")
    for column in _NEEDED:
        if column not in clinical:
            remedy = "name another study in the recipe's block survival"
            where = f"{portal.base}/studies/{study}"
            raise InputError("has no survival", file=where, column=column, remedy=remedy)
    with tempfile.TemporaryDirectory() as folder:
        source, sheet = Path(folder) / "data_clinical_patient.txt", Path(folder) / "patients.tsv"
        write_clinical(clinical, source)
        # The same reading as of a file that a person brings.
        import_cbioportal(source, sheet)
        table = pd.read_csv(sheet, sep="\t", dtype={"patient": str})
        return table[["patient", "time", "event"]].astype({"time": float, "event": float})
