"""The Genomic Data Commons: what it holds of a project, asked through its public API.

References
----------
GDC documentation, API User's Guide: Search and Retrieval, Downloading Files, Appendix A.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from histoniche.cohort.sources.answers import plain, shown
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError

BASE = "https://api.gdc.cancer.gov"

SLIDES = {"files.data_type": ["Slide Image"]}
COUNTS = {
    "files.data_type": ["Gene Expression Quantification"],
    "files.analysis.workflow_type": ["STAR - Counts"],
}
MUTATIONS = {"files.data_type": ["Masked Somatic Mutation"], "files.data_format": ["MAF"]}
SUPPLEMENTS = {"files.data_type": ["Clinical Supplement"]}

_PAGE = 500
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FILE_FIELDS = (
    *("file_id", "file_name", "file_size", "md5sum", "access", "data_type", "data_format"),
    *("data_category", "experimental_strategy", "created_datetime"),
    *("cases.submitter_id", "cases.project.project_id"),
    *("cases.samples.submitter_id", "cases.samples.sample_type"),
    *("cases.samples.tissue_type", "cases.samples.tumor_descriptor"),
)
_CASE_FIELDS = (
    *("submitter_id", "case_id", "disease_type", "primary_site", "project.project_id"),
    *("demographic.vital_status", "demographic.days_to_death"),
    *("demographic.gender", "demographic.sex_at_birth"),
    *("diagnoses.age_at_diagnosis", "diagnoses.primary_diagnosis", "diagnoses.tumor_grade"),
    *("diagnoses.classification_of_tumor", "diagnoses.days_to_last_follow_up"),
    "diagnoses.days_to_last_known_disease_status",
    *("follow_ups.days_to_follow_up", "follow_ups.karnofsky_performance_status"),
)
_NOTE_FIELDS = (
    *("annotation_id", "case_submitter_id", "entity_type", "entity_submitter_id", "entity_id"),
    *("category", "classification", "status", "notes"),
)


class Gdc:
    """The API.

    Parameters
    ----------
    connection
        To it.
    base
        Its address.
    page
        Hits asked for at once.
    """

    def __init__(self, connection: Connection, base: str = BASE, *, page: int = _PAGE) -> None:
        self._connection, self.base, self._page = connection, base.rstrip("/"), page

    def files(
        self, projects: Sequence[str], wanted: Mapping[str, Sequence[str]]
    ) -> list[dict[str, Any]]:
        """Files of some projects.

        Parameters
        ----------
        projects
            Such as TCGA-GBM.
        wanted
            Values by field, of which a file has one each.

        Returns
        -------
        What the API says of each, sorted by name and id.
        """
        filters = {"cases.project.project_id": projects, **wanted}
        hits = self._all("files", filters, _FILE_FIELDS)
        return sorted(hits, key=lambda hit: (hit["file_name"], hit["file_id"]))

    def listed(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Files by their ids, such as those of a manifest, in their order.

        Raises
        ------
        InputError
            If the GDC does not know one of them.
        """
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(ids), self._page):
            some = {"files.file_id": list(ids[start : start + self._page])}
            found |= {hit["file_id"]: hit for hit in self._all("files", some, _FILE_FIELDS)}
        for name in ids:
            if name not in found:
                remedy = "make the manifest anew; the GDC replaces files with its releases"
                raise InputError("the GDC has no such file", value=name, remedy=remedy)
        return [found[name] for name in ids]

    def cases(self, projects: Sequence[str]) -> list[dict[str, Any]]:
        """Cases of some projects with what is known of their follow-up, sorted by barcode."""
        filters = {"project.project_id": projects}
        hits = self._all("cases", filters, _CASE_FIELDS)
        return sorted(hits, key=lambda hit: str(hit["submitter_id"]))

    def annotations(self, projects: Sequence[str]) -> list[dict[str, Any]]:
        """Notes that curators made on cases, samples and files of some projects."""
        filters = {"project.project_id": projects, "status": ["Approved"]}
        return self._all("annotations", filters, _NOTE_FIELDS)

    def remote(self, hit: Mapping[str, Any], folder: str) -> Remote:
        """Where one of its files is, and where it goes: FOLDER/ID/NAME, as its own client does.

        Raises
        ------
        InputError
            If what the API says cannot be a file's.
        """
        name, file_id = str(hit.get("file_name", "")), str(hit.get("file_id", ""))
        size, md5 = hit.get("file_size"), hit.get("md5sum")
        fits = (
            _UUID.fullmatch(file_id)
            and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,200}", name)
            and isinstance(size, int)
            and size >= 0
            and re.fullmatch(r"[0-9a-f]{32}", str(md5))
        )
        if not fits:
            remedy = "ask the GDC's help desk; its API says this of a file"
            raise InputError("not a file", file=self.base, value=plain(dict(hit)), remedy=remedy)
        return Remote(
            f"{folder}/{file_id}/{name}",
            f"{self.base}/data/{file_id}",
            size,
            str(md5),
            controlled=hit.get("access") != "open",
        )

    def _all(
        self, endpoint: str, wanted: Mapping[str, Sequence[str]], fields: Iterable[str]
    ) -> list[dict[str, Any]]:
        """Every hit of a query, page by page."""
        url = f"{self.base}/{endpoint}"
        content = [
            {"op": "in", "content": {"field": field, "value": list(values)}}
            for field, values in wanted.items()
        ]
        query = {
            "filters": {"op": "and", "content": content},
            "fields": ",".join(fields),
            "format": "JSON",
            "size": self._page,
            # Without an order, pages may overlap.
            "sort": f"{_ID_OF[endpoint]}:asc",
        }
        hits: dict[str, dict[str, Any]] = {}
        asked = 0
        while True:
            answer, _ = self._connection.read_json(url, body={**query, "from": asked})
            new, total = _page_of(answer, endpoint, url)
            asked += len(new)
            hits |= {str(hit[_ID_OF[endpoint]]): hit for hit in new}
            if len(hits) == total:
                return list(hits.values())
            if not new or asked >= total:
                # Some came twice, and others not at all, where it changed between two pages.
                problem = f"ends after {len(hits)} of {total} hits"
                raise InputError(problem, file=shown(url), remedy="try again later")


_ID_OF = {"files": "file_id", "cases": "case_id", "annotations": "annotation_id"}
_NAME_OF = {"files": "file_name", "cases": "submitter_id", "annotations": "annotation_id"}


def _page_of(answer: Any, endpoint: str, url: str) -> tuple[list[dict[str, Any]], int]:
    """Hits of one page, each with its id and name, and how many there are in all."""
    try:
        data = answer["data"]
        hits, total = list(data["hits"]), int(data["pagination"]["total"])
        for hit in hits:
            if not (isinstance(hit[_ID_OF[endpoint]], str) and hit[_NAME_OF[endpoint]]):
                raise ValueError("a hit without its name")
        return hits, total
    except (KeyError, TypeError, ValueError) as error:
        remedy = "mend the address of the service"
        raise InputError("answers not as the GDC does", file=shown(url), remedy=remedy) from error


def read_manifest(path: Path) -> list[str]:
    """Ids of the files of a manifest that the GDC's portal wrote.

    Raises
    ------
    InputError
        If the file is missing, is no manifest, or a row holds no id.
    """
    if not path.is_file():
        raise InputError("no such manifest", file=path, remedy="mend the path")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        if not {"id", "filename", "md5", "size"} <= set(reader.fieldnames or ()):
            remedy = "give the manifest of the GDC's portal: id, filename, md5, size, state"
            raise InputError("not a manifest", file=path, row=1, remedy=remedy)
        rows = [(number, row["id"] or "") for number, row in enumerate(reader, start=2)]
    for number, name in rows:
        if not _UUID.fullmatch(name):
            raise InputError(
                "not an id", file=path, row=number, column="id", value=name, remedy="mend the row"
            )
    return list(dict.fromkeys(name for _, name in rows))


def sample_sheet(hits: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Rows of a sample sheet as the GDC's portal writes it, which the readers of counts want."""
    rows = []
    for hit in hits:
        cases = hit.get("cases") or []
        samples = [sample for case in cases for sample in case.get("samples") or []]
        rows.append(
            {
                "File ID": str(hit["file_id"]),
                "File Name": str(hit["file_name"]),
                "Data Category": str(hit.get("data_category") or ""),
                "Data Type": str(hit.get("data_type") or ""),
                "Project ID": _several(case.get("project", {}).get("project_id") for case in cases),
                "Case ID": _several(case.get("submitter_id") for case in cases),
                "Sample ID": _several(sample.get("submitter_id") for sample in samples),
                "Sample Type": _several(sample_type(sample) for sample in samples),
            }
        )
    return rows


def sample_type(sample: Mapping[str, Any]) -> str:
    """Type of a sample; of newer records from its two parts, Primary and Tumor."""
    parts = (sample.get("tumor_descriptor"), sample.get("tissue_type"))
    return str(sample.get("sample_type") or " ".join(str(part) for part in parts if part))


def _several(values: Iterable[object]) -> str:
    """Values of a cell that stands for several cases or samples."""
    return ", ".join(str(value) for value in values if value)
