"""Differential expression against DESeq2 in R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.omics.differential import (
    compare_expression,
    differential_expression,
    moderated_expression,
)
from histoniche.tables import read_table, write_table

DATA = Path(__file__).parent / "data"
KINDS = {"sex": "categorical", "age": "numeric"}


@pytest.fixture
def measured():
    """Counts of 60 genes in 12 patients, one with an outlier and one 0 throughout; the patients."""
    return (
        pd.read_csv(DATA / name, sep="\t", index_col=0) for name in ("counts.tsv", "patients.tsv")
    )


def test_numbers_are_those_of_deseq2(measured):
    # R 4.2.2, DESeq2 1.38.3:
    # k <- as.matrix(read.delim("counts.tsv", row.names = 1))
    # m <- read.delim("patients.tsv", row.names = 1)
    # m$group <- relevel(factor(m$group), "reference"); m$sex <- factor(m$sex)
    # m$age <- as.numeric(scale(m$age)); k <- k[rowSums(k) >= 10, ]
    # d <- DESeq(DESeqDataSetFromMatrix(k, m, ~ sex + age + group))
    # r <- results(d, contrast = c("group", "case", "reference"), alpha = 0.05)
    # write.table(signif(as.data.frame(r), 8), "deseq2.tsv", sep = "\t", quote = FALSE)
    counts, patients = measured
    expected = pd.read_csv(DATA / "deseq2.tsv", sep="\t", index_col=0)
    found = differential_expression(counts, patients["group"], patients[list(KINDS)], kinds=KINDS)
    found = found.set_index("gene").loc[expected.index]
    assert (found["n_case"] == 6).all() and (found["n_reference"] == 6).all()
    np.testing.assert_allclose(found["base_mean"], expected["baseMean"], rtol=1e-6)
    # Both search the same likelihoods' maxima, along different ways and to different ends.
    change, theirs = found["log2_fold_change"], expected["log2FoldChange"]
    np.testing.assert_allclose(change, theirs, rtol=5e-3, atol=5e-3)
    assert np.median(np.abs(change - theirs)) < 2e-4
    # Of a gene with a handful of counts neither knows the error well (here 1.44 and 1.25).
    counted = expected["baseMean"] > 3
    assert counted.sum() >= 55
    error, z = found.loc[counted, "error"], found.loc[counted, "z"]
    np.testing.assert_allclose(error, expected.loc[counted, "lfcSE"], rtol=1.5e-2)
    np.testing.assert_allclose(z, expected.loc[counted, "stat"], rtol=1.5e-2, atol=1e-2)
    low, high = (found[f"log2_fold_change_{end}"] for end in ("low", "high"))
    np.testing.assert_allclose((high - low) / 2, 1.959964 * found["error"], rtol=1e-6)
    np.testing.assert_allclose((high + low) / 2, change, rtol=1e-9)
    known = expected["padj"].notna()
    assert known.equals(found["q"].notna())
    q = np.log10(found["q"] / expected["padj"])[known & counted]
    assert q.abs().max() < 0.05


def test_genes_without_counts_are_not_tested_and_averaged_counts_are_rounded(measured):
    counts, patients = measured
    plain = differential_expression(counts, patients["group"], patients[[]], kinds={})
    assert "G050" not in set(plain["gene"])
    pd.testing.assert_frame_equal(
        plain, differential_expression(counts + 0.3, patients["group"], patients[[]], kinds={})
    )


def test_swapped_groups_swap_signs_alone(measured):
    counts, patients = measured
    swapped = patients["group"].map({"case": "reference", "reference": "case"})
    one, two = (
        differential_expression(counts, group, patients[[]], kinds={})
        .set_index("gene")
        .sort_index()
        for group in (patients["group"], swapped)
    )
    np.testing.assert_allclose(one["log2_fold_change"], -two["log2_fold_change"], atol=1e-4)
    np.testing.assert_allclose(one["p"], two["p"], rtol=1e-3, atol=1e-12)


def test_shuffled_groups_give_nothing():
    rng = np.random.default_rng(0)
    mean, dispersion = np.exp(rng.normal(4, 1, 300))[:, None], 0.2
    drawn = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean), (300, 16))
    patients = [f"P{number}" for number in range(16)]
    counts = pd.DataFrame(drawn, [f"G{number}" for number in range(300)], patients)
    group = pd.Series(rng.permutation(["case"] * 8 + ["reference"] * 8), patients)
    found = differential_expression(counts, group, pd.DataFrame(index=patients), kinds={})
    assert (found["q"] < 0.05).sum() <= 1
    assert scipy.stats.binomtest(int((found["p"] < 0.1).sum()), 300, 0.1).pvalue > 0.001


def spoiled(counts, patients, fault):
    if fault == "few":
        patients.loc[patients.index[:10], "group"] = "reference"
    elif fault == "negative":
        counts.iloc[2, 1] = -4
    elif fault == "missing":
        counts = counts.astype(float)
        counts.iloc[2, 1] = np.nan
    elif fault == "confounded":
        patients["sex"] = np.where(patients["group"] == "case", "F", "M")
    return counts, patients


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("few", "only 2 patients of the case group have counts, 3 are needed"),
        ("negative", "column P02, value '-4': not a count, in gene G002"),
        ("missing", "not a count, in gene G002"),
        ("confounded", "the covariates tell the groups apart"),
    ],
)
def test_what_cannot_be_tested_says_why(measured, fault, problem):
    counts, patients = spoiled(*measured, fault)
    with pytest.raises(InputError, match=problem):
        differential_expression(
            counts, patients["group"], patients[["sex"]], kinds={"sex": "categorical"}
        )


def test_job_leaves_out_patients_without_counts_or_covariates(measured, tmp_path):
    counts, patients = measured
    names = ("expression", "libraries", "groups", "patients", "out")
    paths = {name: tmp_path / f"{name}.parquet" for name in names}
    reads = counts.sum().rename_axis("patient").rename("reads")
    write_table((counts / reads * 1e6).rename_axis("gene").reset_index(), paths["expression"])
    write_table(reads.reset_index(), paths["libraries"])
    rows = patients[["group"]].rename_axis("patient").reset_index()
    stranger = pd.DataFrame({"patient": ["nobody"], "group": ["case"]})
    write_table(pd.concat([rows, stranger]).assign(comparison="idh", label="x"), paths["groups"])
    sheet = patients[["age"]].astype(float).rename_axis("patient").reset_index()
    sheet.loc[0, "age"] = np.nan
    sheet.loc[len(sheet)] = ["nobody", 50.0]
    write_table(sheet, paths["patients"])
    written = {"patients": paths["patients"], "differential": paths["out"]}
    written["genes"] = tmp_path / "not needed for counts"
    rule = {"covariates": {"age": "numeric"}, "min_count": 10, "workers": 1, "unit": "counts"}
    compare_expression(*(paths[name] for name in names[:3]), **written, **rule)
    found = read_table(paths["out"])
    assert set(found["comparison"]) == {"idh"}
    assert set(found["n_case"] + found["n_reference"]) == {11}
    whole = patients.iloc[1:]
    direct = differential_expression(
        counts[whole.index], whole["group"], whole[["age"]], kinds={"age": "numeric"}
    )
    pd.testing.assert_frame_equal(found.drop(columns="comparison"), direct)


LIMMA = Path(__file__).parent / "limma_r"


def limma_data():
    """Log2 expression of 80 genes, the last the same in all, in 14 patients; the patients."""
    values = pd.read_csv(LIMMA / "log2.tsv", sep="\t", index_col=0)
    return values, pd.read_csv(LIMMA / "patients.tsv", sep="\t", index_col=0)


def test_expression_without_counts_is_tested_as_by_limma():
    """See `limma_r/make_expected.R` for the calls."""
    values, patients = limma_data()
    expected = pd.read_csv(LIMMA / "expected.tsv", sep="\t").query("covariates == 'age and sex'")
    expected = expected.set_index("gene")
    found = moderated_expression(
        values, patients["group"], patients[list(KINDS)], kinds=KINDS, unit="log2"
    )
    assert found["gene"].iloc[-1] == "G080" and found.iloc[-1][["z", "p", "q"]].isna().all()
    assert found["p"].iloc[:-1].is_monotonic_increasing
    found = found.set_index("gene").loc[expected.index]
    for ours, theirs in (("log2_fold_change", "change"), ("p", "p"), ("q", "q")):
        np.testing.assert_allclose(found[ours], expected[theirs], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found["log2_fold_change"] / found["error"], expected["t"], rtol=1e-8)
    # Of 14 patients and four coefficients, and of what the other genes tell.
    df = 10 + expected["prior_df"]
    reach = scipy.stats.t.isf(0.025, df) * (expected["change"] / expected["t"]).abs()
    for side, sign in (("low", -1), ("high", 1)):
        end = expected["change"] + sign * reach
        np.testing.assert_allclose(found[f"log2_fold_change_{side}"], end, rtol=1e-7)
    # As far out as the t, and on its side.
    np.testing.assert_allclose(2 * scipy.stats.norm.sf(found["z"].abs()), expected["p"], rtol=1e-8)
    assert (np.sign(found["z"]) == np.sign(expected["t"])).all()
    np.testing.assert_allclose(found["base_mean"], values.loc[expected.index].mean(axis=1))


def test_values_that_are_no_logarithms_are_brought_to_their_scale():
    values, patients = limma_data()
    values = values.clip(lower=0)
    groups = patients["group"], patients[[]]
    logs = moderated_expression(values, *groups, kinds={}, unit="log2")
    plain = moderated_expression(2**values - 1, *groups, kinds={}, unit="tpm")
    columns = ["gene", "log2_fold_change", "p", "q"]
    pd.testing.assert_frame_equal(logs[columns], plain[columns])
    by_gene = plain.set_index("gene")["base_mean"]
    assert by_gene["G003"] == pytest.approx((2 ** values.loc["G003"] - 1).mean())


def test_as_many_coefficients_as_patients_are_refused():
    values, patients = limma_data()
    few = patients.iloc[[0, 1, 2, 7, 8, 9]]
    drawn = np.random.default_rng(0).normal(size=(6, 4))
    covariates = pd.DataFrame(drawn, few.index, list("abcd"))
    kinds = dict.fromkeys("abcd", "numeric")
    with pytest.raises(InputError, match="6 patients for 6 coefficients leave nothing"):
        moderated_expression(values[few.index], few["group"], covariates, kinds=kinds, unit="log2")


def test_the_job_tests_the_detected_genes_of_expression_without_counts(tmp_path):
    values, patients = limma_data()
    names = ("expression", "libraries", "groups", "genes", "patients", "out")
    paths = {name: tmp_path / f"{name}.parquet" for name in names}
    write_table(values.rename_axis("gene").reset_index(), paths["expression"])
    write_table(pd.DataFrame({"patient": [], "reads": []}), paths["libraries"])
    tested = pd.DataFrame({"gene": values.index, "detected": 14, "tested": True})
    tested.loc[5, "tested"] = False
    write_table(tested, paths["genes"])
    rows = patients[["group"]].rename_axis("patient").reset_index()
    write_table(rows.assign(comparison="risk", label="x"), paths["groups"])
    write_table(rows[["patient"]], paths["patients"])
    compare_expression(
        *(paths[name] for name in names[:3]),
        genes=paths["genes"],
        patients=paths["patients"],
        differential=paths["out"],
        unit="log2",
        covariates={},
        min_count=10,
        workers=1,
    )
    found = read_table(paths["out"])
    assert set(values.index) - set(found["gene"]) == {values.index[5]}
    direct = moderated_expression(
        values.drop(values.index[5]), patients["group"], patients[[]], kinds={}, unit="log2"
    )
    pd.testing.assert_frame_equal(found.drop(columns="comparison"), direct)
