"""cBioPortal: clinical data, mutations and expression of a study, by its API or its folder.

References
----------
cBioPortal documentation, Web API (OpenAPI at /api/v3/api-docs) and File Formats.
"""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd

from histoniche.cohort.sources.answers import shown
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.portal_files import (
    UNPACKED,
    read_clinical,
    unpacked,
    write_clinical,
    write_expression,
    write_maf,
)
from histoniche.errors import InputError
from histoniche.files import write_text

BASE = "https://www.cbioportal.org/api"

Level = Literal["patient", "sample"]

MAF_COLUMNS = {
    "Hugo_Symbol": ("gene", "hugoGeneSymbol"),
    "Entrez_Gene_Id": ("entrezGeneId",),
    "NCBI_Build": ("ncbiBuild",),
    "Chromosome": ("chr",),
    "Start_Position": ("startPosition",),
    "End_Position": ("endPosition",),
    "Variant_Classification": ("mutationType",),
    "Variant_Type": ("variantType",),
    "Reference_Allele": ("referenceAllele",),
    "Tumor_Seq_Allele2": ("variantAllele",),
    "HGVSp_Short": ("proteinChange",),
    "Tumor_Sample_Barcode": ("sampleId",),
    "Mutation_Status": ("mutationStatus",),
    "t_alt_count": ("tumorAltCount",),
    "t_ref_count": ("tumorRefCount",),
}
"""Columns of a MAF by where the API has them."""

_PAGE = 20_000
_GENES = 500
_STUDY = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class CBioPortal:
    """The API.

    Parameters
    ----------
    connection
        To it.
    base
        Its address.
    page
        Rows asked for at once.
    """

    def __init__(self, connection: Connection, base: str = BASE, *, page: int = _PAGE) -> None:
        self._connection, self.base, self._page = connection, base.rstrip("/"), page

    def clinical(self, study: str, level: Level) -> pd.DataFrame:
        """Clinical data of a study as text, a row a patient or sample.

        Parameters
        ----------
        study
            The study's id, or the folder that it was unpacked to.
        level
            Whose data.

        Returns
        -------
        PATIENT_ID, for samples SAMPLE_ID too, then the attributes by their ids; empty where
        nothing is known.
        """
        if Path(study).is_dir():
            files, kind = unpacked(Path(study)), f"{level}s"
            if kind not in files:
                remedy = "unpack all of the study's .tar.gz"
                raise InputError(f"no {UNPACKED[kind][0]} here", file=study, remedy=remedy)
            return read_clinical(files[kind])
        query = {"clinicalDataType": level.upper(), "projection": "SUMMARY"}
        keys = ["patientId"] if level == "patient" else ["patientId", "sampleId"]
        wanted = [*keys, "clinicalAttributeId", "value"]
        rows = list(self._pages(f"studies/{_checked(study)}/clinical-data", query, wanted))
        names = ["PATIENT_ID", "SAMPLE_ID"][: len(keys)]
        if not rows:
            return pd.DataFrame(columns=names)
        long = pd.DataFrame(rows).drop_duplicates([*keys, "clinicalAttributeId"])
        wide = long.pivot(index=keys, columns="clinicalAttributeId", values="value")
        wide = wide.reset_index().rename(columns=dict(zip(keys, names, strict=True)))
        return wide.rename_axis(columns=None).fillna("").astype(str)

    def samples(self, study: str, kind: str = "all") -> list[str]:
        """Samples of a list of a study, such as `all` or `sequenced`; none if it has no such."""
        url, query = f"studies/{_checked(study)}/sample-lists", {"projection": "SUMMARY"}
        known = {str(one["sampleListId"]) for one in self._pages(url, query, ["sampleListId"])}
        wanted = f"{study}_{kind}"
        if wanted not in known:
            return []
        answer, _ = self._connection.read_json(f"{self.base}/sample-lists/{wanted}/sample-ids")
        return [str(name) for name in answer]

    def profile(self, study: str, alteration: str, ending: str | None = None) -> str:
        """Id of a molecular profile of a study.

        Parameters
        ----------
        study
            The study's id.
        alteration
            MUTATION_EXTENDED, MRNA_EXPRESSION or COPY_NUMBER_ALTERATION.
        ending
            What the id ends with, where a study has several: `rna_seq_v2_mrna`, `gistic`.

        Raises
        ------
        InputError
            If there is none, or several fit.
        """
        url = f"studies/{_checked(study)}/molecular-profiles"
        found = [
            str(one["molecularProfileId"])
            for one in self._pages(url, {"projection": "SUMMARY"}, ["molecularProfileId"])
            if one.get("molecularAlterationType") == alteration
        ]
        fitting = [name for name in found if ending is None or name.endswith(ending)]
        if len(fitting) != 1:
            raise InputError(
                f"{len(fitting)} profiles of {study} are {alteration} ({ending or 'any'})",
                file=f"{self.base}/{url}",
                remedy=f"name one of {', '.join(found) or 'another study'}",
            )
        return fitting[0]

    def mutations(self, study: str) -> pd.DataFrame:
        """Mutations of all sequenced samples, one row a variant, in the columns of a MAF."""
        profile = self.profile(study, "MUTATION_EXTENDED")
        query = {"sampleListId": f"{study}_sequenced", "projection": "DETAILED"}
        rows = [
            {column: _at(row, place) for column, place in MAF_COLUMNS.items()}
            for row in self._pages(f"molecular-profiles/{profile}/mutations", query)
        ]
        return pd.DataFrame(rows, columns=list(MAF_COLUMNS))

    def values(self, profile: str, samples: str, genes: Sequence[int]) -> pd.DataFrame:
        """Values of genes in samples: expression, or discrete copy number.

        Parameters
        ----------
        profile
            Id of the molecular profile.
        samples
            Id of a list of samples.
        genes
            Entrez ids.

        Returns
        -------
        Entrez ids by samples, NaN where nothing was measured.
        """
        url = f"{self.base}/molecular-profiles/{profile}/molecular-data/fetch?projection=SUMMARY"
        rows: list[dict[str, Any]] = []
        for start in range(0, len(genes), _GENES):
            body = {"entrezGeneIds": list(genes[start : start + _GENES]), "sampleListId": samples}
            rows += self._rows(url, ("entrezGeneId", "sampleId", "value"), body)
        if not rows:
            return pd.DataFrame()
        table = pd.DataFrame(rows)[["entrezGeneId", "sampleId", "value"]]
        table["value"] = pd.to_numeric(table["value"], errors="coerce")
        return table.pivot_table(index="entrezGeneId", columns="sampleId", values="value")

    def genes(self) -> dict[int, str]:
        """Symbols of all genes by their Entrez ids."""
        keys = ["entrezGeneId", "hugoGeneSymbol"]
        rows = self._pages("genes", {"projection": "SUMMARY"}, keys)
        return {
            int(row["entrezGeneId"]): str(row["hugoGeneSymbol"])
            for row in rows
            if row.get("type", "protein-coding") == "protein-coding"
        }

    def _pages(
        self, path: str, query: Mapping[str, str], keys: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Rows of a list, page by page, each of which has some keys."""
        last: list[Any] = []
        for number in itertools.count():
            asked = urlencode({**query, "pageSize": self._page, "pageNumber": number})
            url = f"{self.base}/{path}?{asked}"
            rows = self._rows(url, keys)
            if rows and rows == last:
                problem, remedy = "answers the same page again", "try again later"
                raise InputError(problem, file=shown(url), remedy=remedy)
            yield from rows
            last = rows
            if len(rows) < self._page:
                return

    def _rows(self, url: str, keys: Collection[str] = (), body: Any = None) -> list[dict[str, Any]]:
        """Rows of one answer, each of which has some keys."""
        rows, _ = self._connection.read_json(url, body=body)
        fits = isinstance(rows, list) and all(
            isinstance(row, dict) and row.keys() >= set(keys) for row in rows
        )
        if not fits:
            remedy = "mend the address of the service"
            raise InputError("answers not as cBioPortal does", file=shown(url), remedy=remedy)
        return list(rows)


def fetch_study(
    portal: CBioPortal, study: str, folder: Path, *, expression: str | None = None
) -> list[Path]:
    """Write a study as the folder that its archive would unpack to.

    Parameters
    ----------
    portal
        The API.
    study
        The study's id.
    folder
        Where its files go.
    expression
        What the id of a profile of expression ends with, such as `rna_seq_v2_mrna`; None for
        no expression, which takes by far the longest.

    Returns
    -------
    The files: clinical data of patients and samples, mutations and who was sequenced where the
    study has a list of them, and expression.
    """
    written = []
    levels: tuple[Level, ...] = ("patient", "sample")
    for level in levels:
        written.append(folder / UNPACKED[f"{level}s"][0])
        write_clinical(portal.clinical(study, level), written[-1])
    sequenced = portal.samples(study, "sequenced")
    if sequenced:
        written += [folder / UNPACKED[kind][0] for kind in ("mutations", "sequenced")]
        write_maf(portal.mutations(study), sequenced, written[-2])
        ids = "\t".join(sequenced)
        text = f"cancer_study_identifier: {study}\ncase_list_ids: {ids}\n"
        write_text(text, written[-1])
    if expression is not None:
        profile = portal.profile(study, "MRNA_EXPRESSION", expression)
        symbols = portal.genes()
        values = portal.values(profile, f"{study}_all", sorted(symbols))
        written.append(folder / UNPACKED["expression"][0])
        write_expression(values, symbols, written[-1])
    return written


def _checked(study: str) -> str:
    """A study's id, fit for an address."""
    if not _STUDY.fullmatch(study):
        remedy = "write the id as cBioPortal's address bar shows it"
        raise InputError("no study's id", value=study, remedy=remedy)
    return study


def _at(row: Mapping[str, Any], place: Sequence[str]) -> str:
    """A cell of an answer, in a nested mapping perhaps; empty if it is missing."""
    value: Any = row
    for key in place:
        value = value.get(key) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
