"""Sections of the summary page on single cells and ligand-receptor pairs."""

import re

import pandas as pd
import pytest

from histoniche.report.page import write_summary
from histoniche.tables import write_table
from page_numbers import check_numbers, run_of

BLOCKS = {
    "single_cell": {
        "unit": "counts", "min_genes": 200, "max_mitochondrial_share": 0.2, "min_cells": 5,
    },
    "ligand_receptor": {
        "signatures": ["CT", "CTmvp"], "receivers": [], "permutations": 1000, "min_expressing": 3,
        "score": 0.5, "q": 0.05, "patients_share": 1.0, "appears_as": "pair",
    },
}  # fmt: skip


def single_cells():
    """Two patients, one of the cohort, and two types; CT is highest in tumour cells of both."""
    cells = pd.DataFrame(
        {
            "cell": [f"C{k}" for k in range(40)],
            "patient": ["HN-001"] * 20 + ["other"] * 20,
            "cell_type": ["tumour"] * 12 + ["myeloid"] * 8 + ["tumour"] * 4 + ["myeloid"] * 16,
        }
    )
    decisions = pd.DataFrame(
        [
            ("reading", "cells", 60, "x.h5ad"),
            ("genes", "not in every patient's file, dropped", 9, ""),
            ("labels", "cells without label, dropped", 0, ""),
            ("quality", "cells with fewer than 200 genes, dropped", 17, ""),
            ("quality", "cells with a mitochondrial share above 0.2, dropped", 3, ""),
        ],
        columns=["step", "item", "count", "detail"],
    )
    means = pd.DataFrame(
        [
            ("CT", 9, 7, "HN-001", "tumour", 12, 0.8),
            ("CT", 9, 7, "HN-001", "myeloid", 8, 0.1),
            ("CT", 9, 7, "other", "tumour", 4, 0.4),
            ("CT", 9, 7, "other", "myeloid", 16, 0.6),
            ("CTneg", 4, 3, "other", "myeloid", 16, 0.9),
            ("IT", 3, 0, "HN-001", "tumour", 12, None),
        ],
        columns=["signature", "genes", "genes_found", "patient", "cell_type", "n_cells", "mean"],
    )
    genes = pd.DataFrame(
        [
            ("EGFR", "CT;CTpos", "tumour", 2.5, 0.75, "myeloid", 0.25, 0.9, 2, 2),
            ("TP53", "CT", "myeloid", 1.5, 0.5, "tumour", 1.25, 0.17, 2, 1),
            ("VWF", "CTmvp", "", 0.0, 0.0, "", 0.0, None, 0, 0),
        ],
        columns=[
            "gene", "signatures", "cell_type", "mean", "share", "next_type", "next_mean", "tau",
            "patients", "patients_agreeing",
        ],
    )  # fmt: skip
    return {
        "cells": cells, "cell_decisions": decisions, "cell_genes": genes, "cell_score_means": means,
    }  # fmt: skip


def interactions(kept=2):
    columns = [
        "ligand", "receptor", "sender", "receiver", "kind", "signatures", "patients",
        "patients_present", "patients_kept", "score_median", "score_min", "p_max", "q_max",
    ]  # fmt: skip
    rows = [
        ("VEGFA", "KDR", "tumour", "vessel", "paracrine", "CTmvp", 2, 2, 2, 0.81, 0.72, 4e-4, 0.02),
        ("VEGFA", "KDR", "vessel", "vessel", "autocrine", "CTmvp", 2, 1, 1, 0.66, 0.55, 0.3, 0.6),
        ("EGF", "EGFR", "myeloid", "tumour", "paracrine", "CT", 2, 1, 0, 0.7, 0.1, 0.9, 1.0),
    ]
    summary = pd.DataFrame(rows, columns=columns)
    summary["patients_kept"] = summary["patients_kept"].clip(upper=kept)
    decisions = pd.DataFrame(
        [
            ("pairs", "in the table", 300, ""),
            ("pairs", "chosen signatures without a gene", 1, "CTmvp"),
            ("pairs", "with the receptor in a chosen signature", 12, ""),
            ("HN-001", "tests", 40, ""),
            ("other", "tests", 90, ""),
            ("kept", "patients with two cell types or more", 2, "HN-001, other"),
        ],
        columns=["step", "item", "count", "detail"],
    )
    return {
        "interactions": summary.assign(patient="HN-001"),
        "interaction_summary": summary,
        "interaction_decisions": decisions,
    }


@pytest.fixture
def page(results, palette, tmp_path):
    """The page of a run that left these tables behind, without tags."""

    def write(tables, **changes):
        files = {"patients": results.files["patients"]}
        for name, table in tables.items():
            files[name] = tmp_path / f"{name}.parquet"
            write_table(table, files[name])
        settings = {**results.settings, **BLOCKS, **changes}
        write_summary(tmp_path / "s.html", results=files, settings=settings, palette=palette)
        text = (tmp_path / "s.html").read_text(encoding="utf-8")
        check_numbers(text, run_of(files, settings, tmp_path))
        return text

    return write


def words(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def cells_of(text):
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells]


def test_whose_cells_there_are_and_what_was_left_out_is_said(page):
    text = page(single_cells())
    assert (
        "40 cells of 2 patients (1 of this cohort) in 2 labelled types. Left out: 17 cells with "
        "fewer than 200 genes and 3 cells with a mitochondrial share above 0.2."
    ) in words(text)
    assert "are not independent" in text and "SCANPY" in text
    assert ["myeloid", "24", "2"] in cells_of(text) and ["tumour", "16", "2"] in cells_of(text)


def test_clusters_are_not_called_labels(page):
    tables = single_cells()
    row = pd.DataFrame(
        [("labels", "cells without label, to be clustered", 60, "")],
        columns=["step", "item", "count", "detail"],
    )
    tables["cell_decisions"] = pd.concat([tables["cell_decisions"], row])
    assert "in 2 clusters. Left out: 17 cells" in words(page(tables))


def test_scores_are_pooled_over_cells_and_patients_with_few_of_them_have_no_say(page):
    rows = cells_of(page(single_cells()))
    # (12 x 0.8 + 4 x 0.4) / 16 and (8 x 0.1 + 16 x 0.6) / 24; "other" has four tumour cells.
    assert ["CT", "7 of 9", "tumour", "0.70", "myeloid", "0.43", "1 of 1"] in rows
    assert not [row for row in rows if row[:1] == ["IT"] or row[:1] == ["CTneg"]]


def test_genes_stand_with_the_type_that_expresses_them_most(page):
    rows = cells_of(page(single_cells()))
    mine = [row for row in rows if len(row) == 9]
    assert mine == [
        ["CT", "EGFR", "tumour", "2.5", "75\u00a0%", "myeloid", "0.25", "0.90", "2 of 2"],
        ["CT", "TP53", "myeloid", "1.5", "50\u00a0%", "tumour", "1.2", "0.17", "1 of 2"],
    ]


def test_kept_pairs_stand_with_patients_scores_and_p(page):
    text = page(interactions())
    mine = [row for row in cells_of(text) if len(row) == 11]
    assert mine == [
        ["VEGFA", "KDR", "CTmvp", "tumour", "vessel", "paracrine", "2 of 2", "0.81", "0.72",
         "4.0e-4", "0.020"],
        ["VEGFA", "KDR", "CTmvp", "vessel", "vessel", "autocrine", "1 of 2", "0.66", "0.55",
         "0.30", "0.60"],
    ]  # fmt: skip
    assert "1 pair kept, in 2 interactions" in text
    assert "Of 300 pairs in the table, 12 have both genes" in text
    assert "receptor in the signature of CT or CTmvp" in text
    assert (
        "present in every one of 2 patients with two cell types or more, between whichever" in text
    )
    assert "No gene is in the signature of CTmvp, and so no receptor." in text
    assert "1,000 shuffles" in text and "no proof that the proteins meet" in text


def test_too_few_shuffles_for_so_many_tests_are_said_to_be(page):
    # 90 tests of 1,001 labellings reach 0.09 at best, 40 tests 0.04.
    assert "In 1 of 2 patients so many tests were made" in page(interactions())
    more = BLOCKS["ligand_receptor"] | {"permutations": 2000, "receivers": ["vessel"]}
    text = page(interactions(), ligand_receptor=more)
    assert "so many tests were made" not in text and "received by vessel" in text


def test_nothing_kept_is_said(page):
    text = page(
        interactions(kept=0), ligand_receptor=BLOCKS["ligand_receptor"] | {"signatures": []}
    )
    assert "No ligand-receptor pair is kept." in text and "signature of any region" in text
    assert not [row for row in cells_of(text) if len(row) == 11]


def test_without_their_blocks_the_methods_say_so(page):
    text = page({})
    assert "Signatures in single cells (no <code>single_cell</code> block)" in text
    assert "Cross-talk between cell types (no <code>ligand_receptor</code> block)" in text
    assert 'id="single_cells"' not in text and 'id="crosstalk"' not in text
