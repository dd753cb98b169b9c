"""The Ivy Glioblastoma Atlas Project: sections with their annotation, tumours, and RNA-seq.

References
----------
Puchalski et al. 2018, Science 360:660. Allen Brain Atlas API: RESTful Model Access, image
download service (`view=tumor_feature_annotation`), API for Ivy Glioblastoma Atlas Project.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from histoniche.cohort.sources.answers import plain, shown
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError

BASE = "https://api.brain-map.org/api/v2"
PORTAL = "https://glioblastoma.alleninstitute.org/api/v2"

TABLES = ("sub_block_details.csv", "tumor_details.csv", "rna_seq_samples_details.csv")
"""Tables that the portal's download page links to."""

_EXPRESSION = 305873915
"""Well-known file gene_expression_matrix_2014-11-25.zip: FPKM of 270 samples."""

_PAGE = 200
_SETS = 100
_NAME = re.compile(r"W\d+-\d+-\d+-[A-Z]{1,2}(\.\d+)+")


class Section(NamedTuple):
    """One H&E section of a sub-block."""

    image: int
    """Id of its image."""
    sub_block: str
    """Such as W3-1-1-A.1.01."""
    number: int
    """Place in the sub-block."""
    width: int
    height: int
    mpp: float
    """µm per pixel at full resolution."""

    @property
    def slide(self) -> str:
        """Name of the slide."""
        return f"{self.sub_block}_{self.number:04d}"

    @property
    def tumour(self) -> str:
        """Name of the tumour, the first three parts: W3-1-1."""
        return "-".join(self.sub_block.split("-")[:3])


class IvyGap:
    """The atlas.

    Parameters
    ----------
    connection
        To it.
    base
        Address of the Allen Brain Atlas's API.
    portal
        Address of the portal's own tables.
    page
        Rows asked for at once.
    """

    def __init__(
        self, connection: Connection, base: str = BASE, portal: str = PORTAL, *, page: int = _PAGE
    ) -> None:
        self._connection, self._page = connection, page
        self.base, self.portal = base.rstrip("/"), portal.rstrip("/")

    def sections(self, data_sets: Sequence[int]) -> list[Section]:
        """H&E sections of data sets, such as those that the table of sub-blocks names.

        Data sets of a gene are in situ hybridisation and are passed over.

        Raises
        ------
        InputError
            If an answer lacks the size or resolution of an image.
        """
        found: list[Section] = []
        for start in range(0, len(data_sets), _SETS):
            ids = ",".join(map(str, data_sets[start : start + _SETS]))
            criteria = f"model::SectionDataSet,rma::criteria,[id$in{ids}]"
            for one in self._query(f"{criteria},rma::include,specimen,genes,sub_images"):
                found += [] if one.get("genes") else self._sections_of(one)
        return sorted(set(found), key=lambda section: (section.sub_block, section.number))

    def image(self, section: Section, downsample: int) -> Remote:
        """The picture of a section, halved `downsample` times."""
        return self._picture(section, downsample, f"slides/{section.slide}.jpg", None)

    def annotation(self, section: Section, downsample: int) -> Remote:
        """Its regions as colours, of the same size."""
        place = f"annotations/{section.slide}.jpg"
        return self._picture(section, downsample, place, "tumor_feature_annotation")

    def tables(self) -> list[Remote]:
        """Tables of sub-blocks, tumours and RNA-seq samples."""
        return [Remote(f"tables/{name}", f"{self.portal}/gbm/{name}") for name in TABLES]

    def expression(self) -> Remote:
        """FPKM of all samples, zipped, with the tables of its rows and columns."""
        place = "tables/gene_expression_matrix_2014-11-25.zip"
        return Remote(place, f"{self.base}/well_known_file_download/{_EXPRESSION}")

    def _picture(self, section: Section, downsample: int, place: str, view: str | None) -> Remote:
        """A picture of the image download service."""
        # JPEG of less than full quality would blur the colours of regions.
        query: dict[str, Any] = {"downsample": downsample, "quality": 100}
        if view is not None:
            query["view"] = view
        return Remote(place, f"{self.base}/image_download/{section.image}?{urlencode(query)}")

    def _sections_of(self, data_set: dict[str, Any]) -> Iterable[Section]:
        """Sections of one data set."""
        name = str((data_set.get("specimen") or {}).get("external_specimen_name") or "")
        name = name or str((data_set.get("specimen") or {}).get("name") or "")
        if not _NAME.fullmatch(name):
            remedy = "leave the data set out of the table of sub-blocks"
            raise InputError("no sub-block's name", file=self.base, value=name, remedy=remedy)
        for image in data_set.get("sub_images") or []:
            try:
                yield Section(
                    int(image["id"]),
                    name,
                    int(image["section_number"]),
                    int(image["width"]),
                    int(image["height"]),
                    float(image["resolution"]),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"an image of {name} lacks {error}",
                    file=self.base,
                    value=image.get("id"),
                    remedy="ask the Allen Institute; its API says this of an image",
                ) from error

    def _query(self, criteria: str) -> list[dict[str, Any]]:
        """Rows of a query of RMA, page by page."""
        rows: list[dict[str, Any]] = []
        while True:
            paged = f"{criteria},rma::options[start_row$eq{len(rows)}][num_rows$eq{self._page}]"
            url = f"{self.base}/data/query.json?criteria={quote(paged, safe=':,$[]')}"
            answer, _ = self._connection.read_json(url)
            new = answer.get("msg") if isinstance(answer, dict) else None
            if not isinstance(new, list) or not answer.get("success"):
                said = new if isinstance(new, str) else "no rows"
                remedy = "mend the address, or ask again later"
                raise InputError(f"answers {plain(said)}", file=shown(url), remedy=remedy)
            rows += new
            if not new or len(rows) >= _total(answer, len(rows)):
                return rows


def _total(answer: Mapping[str, Any], there: int) -> int:
    """Rows of all pages of a query, as its answer says; those that are there if it does not."""
    total = answer.get("total_rows", there)
    return total if isinstance(total, int) else there
