"""Facts that are known of the 329 TCGA patients of GBM_WSSM."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from histoniche.cohort.importers import import_cbioportal
from histoniche.cohort.labels import add_covariate
from histoniche.survival.area_correlation import correlate_survival
from histoniche.survival.model_fitting import fit_model
from histoniche.survival.terms import Declared
from histoniche.tables import read_table

DATA = Path(os.environ.get("HISTONICHE_DATA", Path(__file__).parents[3] / "shared" / "data"))
AREAS = DATA / "tcga_gbm" / "region_areas.csv"

pytestmark = pytest.mark.skipif(
    not AREAS.is_file(),
    reason=f"no real data at {AREAS}; set HISTONICHE_DATA to the folder that has tcga_gbm/",
)

COLUMNS = {
    "LE": "Leading_Edge_LE_(Teal_or_Blue_Areas)",
    "IT": "Infiltrating_Tumor_IT_(Purple_Areas)",
    "CT": "Cellular_Tumor_CT_(Green_Areas)",
    "CTpnz": "Perinecrotic_Zone_CTpnz_(Light_Blue_Areas)",
    "CTpan": "Pseudopalisading_Cells_Around_Necrosis_CTpan_(Sea_Green_Areas)",
    "CTmvp": "Microvascular_Proliferation_CTmvp_(Red_Areas)",
    "CTne": "Necrosis_CTne_(Black_Areas)",
}


def test_known_correlations_of_areas_with_survival_come_out(
    write_cohort: Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]], tmp_path: Path
) -> None:
    table = pd.read_csv(AREAS).set_index("patient_id")
    patients = table[["survival_rate_days"]].set_axis(["time_days"], axis=1).assign(event=1)
    areas = table[list(COLUMNS.values())].set_axis(list(COLUMNS), axis=1)
    out = tmp_path / "area_correlation.parquet"
    correlate_survival(
        *write_cohort(patients.astype(float), areas.astype(float)),
        correlation=out,
        outliers=tmp_path / "outliers.parquet",
        regions=[],
        confidence=0.95,
        outlier_p=0.05,
    )
    table = read_table(out).set_index("region")
    found = table[table["outliers"] == "kept"]
    assert (found["n"] == 329).all()
    for region, (r, p) in {
        "CTpnz": (0.153, 0.0055),
        "CT": (0.100, 0.069),
        "CTne": (0.127, 0.021),
        "CTmvp": (-0.014, None),
    }.items():
        assert round(found.loc[region, "pearson_r"], 3) == r
        assert p is None or float(f"{found.loc[region, 'pearson_p']:.2g}") == p
    for region, (rho, p) in {"CT": (0.169, 0.0021), "CTpnz": (0.154, 0.0051)}.items():
        assert round(found.loc[region, "spearman_rho"], 3) == rho
        assert float(f"{found.loc[region, 'spearman_p']:.2g}") == p
    # As the paper says: by rank it is the same with outliers and without.
    fewer = table[table["outliers"] == "removed"]
    assert (fewer["n"] < 329).all()
    for region in ("CT", "CTpnz"):
        assert fewer.loc[region, "spearman_p"] < 0.05
        assert fewer.loc[region, "spearman_rho"] == pytest.approx(
            found.loc[region, "spearman_rho"], abs=0.05
        )


MEANINGS: Declared = {
    "age": {"type": "numeric", "per": 10},
    "karnofsky": {"type": "numeric", "per": 10},
    "subtype": {"type": "categorical", "reference": "PN"},
    "mgmt": {"type": "numeric", "per": 0.1},
    "CTpnz": {"type": "numeric", "per": "sd"},
}


@pytest.fixture
def molecular(tmp_path: Path) -> pd.DataFrame:
    """TCGA's patients with Karnofsky score, subtype, MGMT methylation and an area."""
    sheet, folder = tmp_path / "patients.tsv", DATA / "tcga_gbm"
    import_cbioportal(folder / "data_clinical_patient.txt", sheet)
    labels = {
        "subtype": ("subtype_wang2017.csv", "sampleId", "Group"),
        "mgmt": ("mgmt_methylation_hm27.txt", "Patient ID", "MGMT: Methylation (HM27)"),
    }
    for name, (file, patient, column) in labels.items():
        places = {"patient": patient, "column": column, "name": name}
        add_covariate(sheet, folder / file, **places, barcode="tcga")
    patients = (
        pd.read_csv(sheet, sep="\t").set_index("patient").rename(columns={"time": "time_days"})
    )
    areas = pd.read_csv(AREAS).set_index("patient_id")
    return patients.assign(CTpnz=areas[COLUMNS["CTpnz"]])


def test_methylated_mgmt_goes_with_longer_survival_beside_age(molecular: pd.DataFrame) -> None:
    fitted = fit_model(molecular, covariates=["age", "mgmt"], declared=MEANINGS)
    terms = fitted.coefficients.set_index("term")
    assert terms["n"].tolist() == [281, 281]
    assert terms.loc["age", "low"] > 1.2
    assert terms.loc["mgmt", "high"] < 1
    assert terms.loc["mgmt", "term_p"] == pytest.approx(0.0039, abs=1e-4)


def test_an_area_beside_all_that_is_known_tells_nothing_in_100_patients(
    molecular: pd.DataFrame,
) -> None:
    fitted = fit_model(molecular, covariates=list(MEANINGS), declared=MEANINGS)
    terms = fitted.coefficients.set_index("term")
    area = terms.loc["CTpnz"]
    assert area["n"] == 100
    assert area["low"] < 1 < area["high"]
    assert terms.loc["subtype: PN", "term_p"] > 0.5
