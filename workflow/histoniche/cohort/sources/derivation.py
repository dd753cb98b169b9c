"""What is made of fetched files: one table of mutations, masks, expression by region."""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.cohort.sources.annotation_masks import mask_from_picture
from histoniche.cohort.sources.derivation_list import read_derived
from histoniche.errors import InputError
from histoniche.files import read_json, whole_file, write_json

_ANEW = "fetch it again"
_NOTES = ".made"
_STRUCTURES = ("structure_acronym", "structure_abbreviation")
_LARGEST = 4_000_000_000
"""Most bytes that a table of an archive may unpack to."""


def derive(folder: Path, *, of: Collection[str] | None = None) -> list[str]:
    """Make what is made of fetched files, as far as these are there and it was not made of them.

    Parameters
    ----------
    folder
        Of the cohort.
    of
        Places of fetched files: only what is made of these alone; all if None. So jobs that
        fetch side by side do not make each other's.

    Returns
    -------
    Places of what was made now, relative to the folder.

    Raises
    ------
    InputError
        If a file is not what its source says it is.
    """
    made = []
    for step in read_derived(folder):
        sources = [folder / place for place in step["from"]]
        target, note = folder / step["to"], folder / _NOTES / f"{step['to']}.json"
        if of is not None and not set(step["from"]) <= set(of):
            continue
        if not all(source.is_file() for source in sources):
            continue
        origin = {"step": step, "sources": [_state(source) for source in sources]}
        if target.is_file() and note.is_file() and read_json(note) == origin:
            continue
        _MAKERS[step["make"]](sources, target, step)
        write_json(origin, note)
        made.append(str(step["to"]))
    return made


def _state(source: Path) -> list[int]:
    """Size and time of a fetched file, which tell whether it came anew."""
    found = source.stat()
    return [found.st_size, found.st_mtime_ns]


def merge_mafs(sources: list[Path], target: Path) -> int:
    """Put the MAF files of a cohort's patients one behind the other.

    Comments are left out; all must have the same columns. The same files give the same bytes.

    Returns
    -------
    Number of variants.

    Raises
    ------
    InputError
        If a file is damaged, or has other columns than the first.
    """
    header: str | None = None
    number = 0
    with whole_file(target) as temporary, temporary.open("wb") as raw:
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
        with packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as out:
            for source in sources:
                lines = _variants(source)
                own = next(lines, "")
                if header is None:
                    header = own
                    out.write(own)
                elif own != header:
                    remedy = "take all files from one release of the GDC"
                    problem = f"has other columns than {sources[0].name}"
                    raise InputError(problem, file=source, remedy=remedy)
                for line in lines:
                    out.write(line)
                    number += 1
    return number


def _variants(source: Path) -> Any:
    """Header and rows of one MAF file, gzipped or not."""
    opened: Any = gzip.open if source.suffix == ".gz" else open
    try:
        with opened(source, "rt", encoding="utf-8", newline="") as stream:
            for line in stream:
                if not line.startswith("#") and line.strip():
                    yield line if line.endswith("\n") else f"{line}\n"
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError("damaged or cut off", file=source, remedy=_ANEW) from error


def expression_of_region(archive: Path, region: str, target: Path) -> int:
    """Expression of each tumour in a region, of Ivy GAP's RNA-seq.

    Samples of the anatomic study (`CT-reference-histology`) are taken, and averaged by tumour.

    Parameters
    ----------
    archive
        gene_expression_matrix_2014-11-25.zip: fpkm_table.csv, rows-genes.csv,
        columns-samples.csv.
    region
        Such as CT.
    target
        Table of genes, by symbol, and tumours.

    Returns
    -------
    Number of tumours.

    Raises
    ------
    InputError
        If the archive lacks a table or column, or has no sample of the region.
    """
    samples = _member(archive, "columns-samples.csv", ["rna_well_id", "tumor_name"])
    structure = next((name for name in _STRUCTURES if name in samples), "")
    if not structure:
        problem = "missing column in columns-samples.csv"
        raise InputError(problem, file=archive, column=_STRUCTURES[0], remedy=_ANEW)
    own = samples[samples[structure] == f"{region}-reference-histology"]
    if own.empty:
        known = ", ".join(sorted(samples[structure].unique())[:12])
        raise InputError(
            "no sample of this region", file=archive, value=region, remedy=f"known: {known}"
        )
    genes = _member(archive, "rows-genes.csv", ["gene_id", "gene_symbol"])
    symbols = genes.drop_duplicates("gene_id").set_index("gene_id")["gene_symbol"]
    values = _member(archive, "fpkm_table.csv", [])
    values = values.set_index(values.columns[0])
    values.columns = values.columns.str.strip()
    wells = own["rna_well_id"].tolist()
    try:
        by_well = values[wells].astype(float)
    except (KeyError, ValueError) as error:
        problem = "fpkm_table.csv lacks a sample, or holds what is no number"
        raise InputError(problem, file=archive, remedy=_ANEW) from error
    tumours = by_well.T.groupby(own["tumor_name"].to_numpy()).mean().T
    tumours.insert(0, "gene", symbols.reindex(tumours.index).to_numpy())
    with whole_file(target) as temporary:
        tumours.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
    return tumours.shape[1] - 1


def _member(archive: Path, name: str, needed: Collection[str]) -> pd.DataFrame:
    """A table of an archive as text, which has some columns."""
    try:
        with zipfile.ZipFile(archive) as packed:
            place = next(one for one in packed.infolist() if Path(one.filename).name == name)
            if place.file_size > _LARGEST:
                problem = f"unpacks to more than {_LARGEST / 1e9:.0f} GB"
                raise InputError(problem, file=archive, value=name, remedy=_ANEW)
            with packed.open(place) as stream:
                table = pd.read_csv(stream, dtype=str, keep_default_na=False)
    except StopIteration as error:
        raise InputError("missing table", file=archive, value=name, remedy=_ANEW) from error
    except InputError:
        raise
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
        raise InputError("damaged or cut off", file=archive, remedy=_ANEW) from error
    for column in needed:
        if column not in table:
            problem = f"missing column in {name}"
            raise InputError(problem, file=archive, column=column, remedy=_ANEW)
    return table


def _make_mask(sources: list[Path], target: Path, step: Mapping[str, Any]) -> None:
    """A mask of one annotation, and the list of its strange colours beside it."""
    palette = read_palette(find_palette(step["palette"]))
    strange = mask_from_picture(sources[0], palette, target)
    listed = target.with_suffix(".strange.tsv")
    if not strange:
        listed.unlink(missing_ok=True)
        return
    with whole_file(listed) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(["colour", "pixels", "share"])
        writer.writerows((one.colour, one.pixels, f"{one.share:.4f}") for one in strange)


_MAKERS: dict[str, Callable[[list[Path], Path, Mapping[str, Any]], object]] = {
    "maf": lambda sources, target, step: merge_mafs(sources, target),
    "mask": _make_mask,
    "region expression": lambda sources, target, step: expression_of_region(
        sources[0], step["region"], target
    ),
}
