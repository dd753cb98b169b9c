"""Services that answer in the shapes that their documentation gives, for small made-up studies."""

import gzip
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np
from PIL import Image

from source_server import File, Seen, Server

GENES = ("EGFR", "MKI67", "TP53")
_UUID = "0000000{}-0000-4000-8000-{:012d}"


def uuid(kind: int, number: int) -> str:
    return _UUID.format(kind, number)


def star_counts(seed: int) -> bytes:
    """A file of STAR counts with three genes."""
    draw = np.random.default_rng(seed)
    names = ("gene_id", "gene_name", "gene_type", "unstranded", "stranded_first")
    names += ("stranded_second", "tpm_unstranded", "fpkm_unstranded", "fpkm_uq_unstranded")
    lines = ["# gene-model: GENCODE v36", "\t".join(names)]
    lines += [f"N_{name}\t\t\t10\t10\t10\t\t\t" for name in ("unmapped", "multimapping")]
    for number, gene in enumerate(GENES):
        count = draw.integers(1, 1000)
        values = f"{count}\t1\t1\t{count / 7:.4f}\t{count / 9:.4f}\t{count / 8:.4f}"
        lines.append(f"ENSG{number:011d}.1\t{gene}\tprotein_coding\t{values}")
    return ("\n".join(lines) + "\n").encode()


def maf(barcode: str, gene: str | None) -> bytes:
    """A patient's masked somatic mutations; no variant without a gene."""
    lines = ["#version gdc-1.0.0", "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode"]
    lines += [f"{gene}\tMissense_Mutation\t{barcode}"] if gene else []
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


class FakeGdc:
    """The GDC with cases, files and annotations of a project.

    Parameters
    ----------
    server
        Where it answers, below /gdc.
    cases
        As its API gives them.
    """

    def __init__(self, server: Server, cases: list[dict[str, Any]]) -> None:
        self.server, self.cases = server, cases
        self.files: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.base = f"{server.base}/gdc"
        for name in ("files", "cases", "annotations"):
            server.services[f"/gdc/{name}"] = lambda seen, name=name: self._answer(name, seen)

    def add(self, name: str, content: bytes, sample: str, **facts: Any) -> dict[str, Any]:
        """A file of one sample, which is also there for fetching."""
        number = len(self.files) + 1
        file_id = uuid(1, number)
        file = File(content)
        self.server.files[f"/gdc/data/{file_id}"] = file
        types = {"01": "Primary Tumor", "02": "Recurrent Tumor", "11": "Solid Tissue Normal"}
        hit = {
            "id": file_id,
            "file_id": file_id,
            "file_name": name,
            "file_size": len(content),
            "md5sum": file.md5,
            "access": "open",
            "created_datetime": f"2017-06-0{1 + number % 9}T00:00:00-05:00",
            "cases": [
                {
                    "submitter_id": sample[:12],
                    "project": {"project_id": "TCGA-GBM"},
                    "samples": [
                        {
                            "submitter_id": sample[:16],
                            "sample_type": types[sample[13:15]],
                            "tissue_type": "Tumor",
                            "tumor_descriptor": "Primary",
                        }
                    ],
                }
            ],
            **facts,
        }
        self.files.append(hit)
        return hit

    def add_slide(self, barcode: str, content: bytes = b"slide", **facts: Any) -> dict[str, Any]:
        kind = "Diagnostic Slide" if "DX" in barcode else "Tissue Slide"
        facts = {"data_type": "Slide Image", "data_format": "SVS"} | facts
        facts |= {"experimental_strategy": kind, "data_category": "Biospecimen"}
        name = f"{barcode}.{uuid(2, len(self.files))}.svs"
        return self.add(name, content, barcode, **facts)

    def add_counts(self, sample: str, seed: int, content: bytes | None = None) -> dict[str, Any]:
        facts = {
            "data_type": "Gene Expression Quantification",
            "data_category": "Transcriptome Profiling",
            "data_format": "TSV",
            "analysis": {"workflow_type": "STAR - Counts"},
        }
        name = f"{uuid(3, seed)}.rna_seq.augmented_star_gene_counts.tsv"
        return self.add(name, content or star_counts(seed), sample, **facts)

    def add_maf(
        self, sample: str, gene: str | None, content: bytes | None = None
    ) -> dict[str, Any]:
        facts = {"data_type": "Masked Somatic Mutation", "data_format": "MAF"}
        name = f"{uuid(4, len(self.files))}.wxs.aliquot_ensemble_masked.maf.gz"
        return self.add(name, content or maf(f"{sample}-11D-1696-08", gene), sample, **facts)

    def _answer(self, name: str, seen: Seen) -> Any:
        """One page of hits, those that pass the filters, with the fields asked for."""
        body = seen.body
        hits = [hit for hit in getattr(self, name) if passes(hit, body["filters"], name)]
        key = body["sort"].partition(":")[0]
        hits = sorted(hits, key=lambda hit: str(hit[key]))
        start, size = int(body["from"]), int(body["size"])
        page = [picked(hit, body["fields"].split(",")) for hit in hits[start : start + size]]
        pagination = {"count": len(page), "total": len(hits), "size": size, "from": start}
        return {"data": {"hits": page, "pagination": pagination}, "warnings": {}}


def passes(hit: Mapping[str, Any], filters: Mapping[str, Any], endpoint: str) -> bool:
    """Whether a record passes filters in the GDC's form."""
    if filters["op"] == "and":
        return all(passes(hit, one, endpoint) for one in filters["content"])
    assert filters["op"] == "in"
    field = filters["content"]["field"].removeprefix(f"{endpoint}.")
    return bool(set(reached(hit, field.split("."))) & set(filters["content"]["value"]))


def reached(value: Any, path: list[str]) -> Iterator[Any]:
    """Values at a dotted place, lists entered."""
    if isinstance(value, list):
        for one in value:
            yield from reached(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from reached(value[path[0]], path[1:])


def picked(hit: Any, fields: list[str]) -> Any:
    """A record with only the fields that were asked for."""
    if isinstance(hit, list):
        return [picked(one, fields) for one in hit]
    if not isinstance(hit, Mapping):
        return hit
    here: dict[str, list[str]] = {}
    for field in fields:
        head, _, rest = field.partition(".")
        here.setdefault(head, []).extend([rest] if rest else [])
    return {
        key: picked(value, here[key]) if here[key] else value
        for key, value in hit.items()
        if key in here
    }


def case(patient: str, *, dead: int | None = None, alive: int | None = None, **more: Any) -> dict:
    """A case that died or was last seen at a day."""
    status = "Dead" if dead is not None else "Alive"
    return {
        "case_id": uuid(5, int(re.sub(r"\D", "", patient)[-6:] or 0)),
        "submitter_id": patient,
        "disease_type": "Gliomas",
        "project": {"project_id": "TCGA-GBM"},
        "demographic": {"vital_status": status, "days_to_death": dead, "gender": "female"},
        "diagnoses": [
            {
                "age_at_diagnosis": 20000,
                "primary_diagnosis": "Glioblastoma",
                "tumor_grade": "Not Reported",
                "days_to_last_follow_up": alive,
            }
        ],
        **more,
    }


class FakeCBioPortal:
    """cBioPortal with studies' clinical data, mutations and values.

    Parameters
    ----------
    server
        Where it answers, below /cbio.
    """

    def __init__(self, server: Server) -> None:
        self.server, self.base = server, f"{server.base}/cbio"
        self.genes = {1956: "EGFR", 4288: "MKI67"}
        server.services["/cbio/genes"] = lambda seen: self._page(
            [
                {"entrezGeneId": key, "hugoGeneSymbol": name, "type": "protein-coding"}
                for key, name in self.genes.items()
            ],
            seen,
        )

    def add_study(
        self,
        study: str,
        *,
        patients: Mapping[str, Mapping[str, str]] | None = None,
        samples: Mapping[str, Mapping[str, str]] | None = None,
        gistic: Mapping[str, int] | None = None,
        mutations: list[dict[str, Any]] | None = None,
    ) -> None:
        """A study: attributes by patient and by sample, copy number of EGFR by sample."""
        tables = {"PATIENT": patients or {}, "SAMPLE": samples or {}}

        def clinical(seen: Seen) -> Any:
            kind = seen.query["clinicalDataType"][0]
            rows = [
                {
                    "studyId": study,
                    "patientId": name[:12],
                    **({"sampleId": name} if kind == "SAMPLE" else {}),
                    "clinicalAttributeId": attribute,
                    "value": value,
                }
                for name, attributes in tables[kind].items()
                for attribute, value in attributes.items()
            ]
            return self._page(rows, seen)

        kinds = {"mutations": "MUTATION_EXTENDED"}
        kinds |= dict.fromkeys(("gistic", "log2CNA"), "COPY_NUMBER_ALTERATION")
        profiles = [
            {"molecularProfileId": f"{study}_{name}", "molecularAlterationType": kind}
            for name, kind in kinds.items()
        ]
        lists = [{"sampleListId": f"{study}_{name}"} for name in ("all", "sequenced")]
        names = sorted({*(samples or {}), *(gistic or {})})
        values = [
            {"entrezGeneId": 1956, "sampleId": name, "patientId": name[:12], "value": value}
            for name, value in (gistic or {}).items()
        ]
        service = self.server.services
        service[f"/cbio/studies/{study}/clinical-data"] = clinical
        service[f"/cbio/studies/{study}/molecular-profiles"] = lambda seen: self._page(
            profiles, seen
        )
        service[f"/cbio/studies/{study}/sample-lists"] = lambda seen: self._page(lists, seen)
        service[f"/cbio/sample-lists/{study}_sequenced/sample-ids"] = lambda seen: names
        service[f"/cbio/molecular-profiles/{study}_gistic/molecular-data/fetch"] = lambda seen: [
            one for one in values if one["entrezGeneId"] in seen.body["entrezGeneIds"]
        ]
        service[f"/cbio/molecular-profiles/{study}_mutations/mutations"] = lambda seen: self._page(
            mutations or [], seen
        )

    @staticmethod
    def _page(rows: list[Any], seen: Seen) -> list[Any]:
        size, number = int(seen.query["pageSize"][0]), int(seen.query["pageNumber"][0])
        return rows[number * size : (number + 1) * size]


class FakeIvyGap:
    """The atlas with its tables, sections, pictures and RNA-seq.

    Parameters
    ----------
    server
        Where it answers, below /ivy.
    sub_blocks
        Names by the id of their data set.
    pictures
        Whether its sections can be fetched too.
    """

    def __init__(
        self, server: Server, sub_blocks: Mapping[int, str], *, pictures: bool = True
    ) -> None:
        self.server, self.base, self.portal = server, f"{server.base}/ivy", f"{server.base}/portal"
        self.sets: list[dict[str, Any]] = []
        for data_set, name in sub_blocks.items():
            images = [
                {
                    "id": 1000 * data_set + number,
                    "section_number": number,
                    "width": 640,
                    "height": 480,
                    "resolution": 0.5,
                }
                for number in (7, 13, 21)
            ]
            specimen = {"external_specimen_name": name}
            own = {"id": data_set, "specimen": specimen, "genes": [], "sub_images": images}
            self.sets.append(own)
            for image in images if pictures else []:
                self.add_picture(image["id"])
        server.services["/ivy/data/query.json"] = self._answer

    def add_picture(self, image: int) -> None:
        """The picture of a section; the view of its annotation is the same file, as a stub."""
        picture = np.full((30, 40, 3), 255, np.uint8)
        picture[5:25, 5:20] = (5, 208, 4)
        picture[5:25, 20:35] = (33, 143, 166)
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, format="JPEG", quality=100, subsampling=0)
        self.server.files[f"/ivy/image_download/{image}"] = File(stream.getvalue(), etag=None)

    def add_tables(self, sub_blocks: bytes, samples: bytes) -> None:
        for name, content in (
            ("sub_block_details.csv", sub_blocks),
            ("tumor_details.csv", b"donor_id,tumor_name\n1,W1-1-1\n"),
            ("rna_seq_samples_details.csv", samples),
        ):
            self.server.files[f"/portal/gbm/{name}"] = File(content, kind="text/csv")

    def add_expression(self, wells: Mapping[str, tuple[str, str]]) -> None:
        """FPKM of two genes: tumour and structure of each sample."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as packed:
            rows = [f"{well},{tumour},{place}" for well, (tumour, place) in wells.items()]
            head = "rna_well_id,tumor_name,structure_acronym"
            packed.writestr("columns-samples.csv", "\n".join([head, *rows]) + "\n")
            packed.writestr("rows-genes.csv", "gene_id,gene_symbol\n11,EGFR\n12,TP53\n")
            values = [",".join(["gene_id \\ rna_well_id", *wells])]
            for number, gene in enumerate((11, 12)):
                own = [str(10 * number + place) for place in range(len(wells))]
                values.append(",".join([str(gene), *own]))
            packed.writestr("fpkm_table.csv", "\n".join(values) + "\n")
        content = stream.getvalue()
        self.server.files["/ivy/well_known_file_download/305873915"] = File(content)

    def _answer(self, seen: Seen) -> Any:
        """Rows of a query of RMA."""
        criteria = unquote(seen.query["criteria"][0])
        ids = re.search(r"\[id\$in([\d,]+)\]", criteria)
        start, size = (
            int(re.search(rf"\[{key}\$eq(\d+)\]", criteria)[1]) for key in ("start_row", "num_rows")
        )
        if ids is None or not criteria.startswith("model::SectionDataSet"):
            return {"success": False, "id": 0, "msg": "syntax error"}
        wanted = {int(one) for one in ids[1].split(",")}
        found = [one for one in self.sets if one["id"] in wanted]
        page = found[start : start + size]
        counts = {"start_row": start, "num_rows": len(page), "total_rows": len(found)}
        return {"success": True, "id": 0, **counts, "msg": page}
