"""Survival as a study of cBioPortal states it."""

import tempfile
from pathlib import Path

import pandas as pd

from histoniche.cohort.importers import import_cbioportal
from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.portal_files import write_clinical
from histoniche.errors import InputError

_NEEDED = ("OS_MONTHS", "OS_STATUS")


def read_stated(portal: CBioPortal, study: str) -> pd.DataFrame:
    """Times and events of a study's patients.

    Returns
    -------
    patient, time (days), event; and what else `import_cbioportal` takes.

    Raises
    ------
    InputError
        If the study has none.
    """
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
        return pd.read_csv(sheet, sep="\t", dtype={"patient": str})
