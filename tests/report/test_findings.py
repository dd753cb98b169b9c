"""Sentences at the top of the page: only what holds is said to hold."""

import numpy as np
import pandas as pd
import pytest

from histoniche.report.findings import findings
from histoniche.report.results import Results
from histoniche.tables import read_table, write_table

STAGES = (
    *("patients", "areas", "metrics", "sizes", "enrichment"),
    *("cox", "groups", "area_correlation"),
)


@pytest.fixture
def told(results, palette, tmp_path):
    """Findings after a table was changed."""

    def tell(**changes):
        files = {name: results.path(name) for name in STAGES}
        for name, change in changes.items():
            files[name] = tmp_path / f"{name}.parquet"
            write_table(change(read_table(results.path(name))), files[name])
        return findings(Results(files, results.settings, palette))

    return tell


def test_planted_hazard_is_told_with_effect_interval_p_q_n_and_deaths(told):
    first = told()[0]
    assert first.verdict == "holds"
    assert first.text == (
        "More microvascular proliferation (CTmvp) goes with shorter survival: hazard ratio 2.41 "
        "(95\u00a0% CI 1.65 to 3.52) per SD (10.2 mm²), p 3.1e-5, q 2.2e-4; 39 patients, "
        "31 deaths. It stays after adjustment for age and sex: 2.41 (1.54 to 3.78), p 3.1e-5, n 39."
        " Log-rank test of the groups up to and above 1.31: p 4.0e-4, q 0.0028."
    )


def test_protective_area_goes_with_longer_survival_and_may_not_stay(told):
    def change(cox):
        mine = cox["term"] == "CTmvp"
        cox.loc[mine, ["hazard_ratio", "low", "high"]] = [0.4, 0.2, 0.8]
        adjusted = mine & (cox["model"] != "univariable")
        cox.loc[adjusted, ["hazard_ratio", "low", "high"]] = [0.8, 0.5, 1.3]
        return cox

    text = told(cox=change)[0].text
    assert "goes with longer survival" in text and "It does not stay clear after" in text


def test_small_p_without_a_small_q_does_not_hold(told):
    found = told(
        cox=lambda cox: cox.assign(p=0.02, q=np.where(cox["q"].notna(), 0.14, np.nan)),
        area_correlation=lambda links: links.assign(spearman_p=0.01, spearman_q=0.04).iloc[:8],
    )
    assert found[0].verdict == "open" and "No region's area is associated" in found[0].text
    assert "p 0.020, q 0.14" in found[0].text


def test_nothing_holds_where_there_is_nothing(told):
    rng = np.random.default_rng(5)
    found = told(
        cox=lambda t: t.assign(p=rng.uniform(0.05, 1, len(t)), q=0.8),
        area_correlation=lambda t: t.assign(
            spearman_p=rng.uniform(0.04, 1, len(t)), spearman_q=0.6
        ),
        sizes=lambda t: t.assign(genes_q05=0),
        enrichment=lambda t: t.assign(q=0.7),
    )
    assert [finding.verdict for finding in found] == ["open"] * 4
    assert "None of 200 genes" in found[2].text and "No signature is enriched" in found[3].text


def test_best_of_many_strata_is_corrected_for_all_of_them(told):
    def change(links):
        # One small p in 20 strata of 7 regions: its q within the stratum is 0.035.
        one = links[links["stratum"] == "TP53 mutated"].assign(spearman_p=0.7, spearman_q=0.7)
        strata = [one.assign(stratum=f"GENE{k} mutated") for k in range(20)]
        strata[0] = strata[0].copy()
        strata[0].iloc[0, strata[0].columns.get_loc("spearman_p")] = 0.005
        strata[0].iloc[0, strata[0].columns.get_loc("spearman_q")] = 0.035
        return pd.concat(strata, ignore_index=True)

    found = [finding for finding in told(area_correlation=change) if "strat" in finding.text]
    assert [finding.verdict for finding in found] == ["open"]
    assert "In none of 20 mutation strata" in found[0].text


def test_models_that_could_not_be_fitted_are_a_caution(told):
    found = told(cox=lambda t: t.assign(p=np.nan, q=np.nan, hazard_ratio=np.nan))
    assert found[0].verdict == "caution" and "could be fitted" in found[0].text
