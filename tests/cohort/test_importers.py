import pandas as pd
import pytest

from histoniche.cohort.importers import import_cbioportal, import_ivygap
from histoniche.errors import InputError

CLINICAL = """#Patient\tMonths\tStatus\tAge
PATIENT_ID\tOS_MONTHS\tOS_STATUS\tAGE
T-1\t12\t1:DECEASED\t44
T-2\t[Not Available]\t0:LIVING\t60
T-3\t3\t0:LIVING\t[Not Available]
T-4\t0\t1:DECEASED\t50
"""


def run(tmp_path, text=CLINICAL, **options):
    clinical = tmp_path / "clinical.txt"
    clinical.write_text(text)
    import_cbioportal(clinical, tmp_path / "out.tsv", **options)
    return pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("patient")


def test_months_become_days_and_half_a_pair_is_left_empty(tmp_path):
    sheet = run(tmp_path)
    assert sheet.loc["T-1", "time"] == pytest.approx(365.25)
    assert sheet["event"].tolist()[0] == 1
    assert sheet.loc[["T-2", "T-4"], ["time", "event"]].isna().all(axis=None)
    assert sheet.loc["T-3", "event"] == 0
    assert pd.isna(sheet.loc["T-3", "age"])


def test_times_of_another_table_win_and_bring_patients(tmp_path):
    table = tmp_path / "areas.csv"
    table.write_text("id,days\nT-2,100\nT-9,7\n")
    sheet = run(tmp_path, time_from=table, time_column="days", patient_column="id")
    assert sheet.loc["T-2", ["time", "event"]].tolist() == [100, 0]
    assert sheet.loc["T-9", ["time", "event"]].tolist() == [7, 1]
    assert sheet.loc["T-1", "time"] == pytest.approx(365.25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PATIENT_ID\tOS_MONTHS\nT\t1\n", "OS_STATUS"),
        ("PATIENT_ID\tOS_MONTHS\tOS_STATUS\nT\tlong\t0:LIVING\n", "'long'"),
        ("PATIENT_ID\tOS_MONTHS\tOS_STATUS\nT\t1\t2:LOST\n", "'2:LOST'"),
    ],
)
def test_a_bad_file_gives_one_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        run(tmp_path, text)


SUB_BLOCKS = """tumor_name,molecular_subtype,surgery,mgmt_methylation,survival_days,\
egfr_amplification,initial_kps,age_in_years
W1,"Classical, Neural",primary,Yes,,No,100,44 yrs
W2,Neural,primary,No,351.0,,90,17 yrs
W2,Neural,primary,No,351.0,,90,17 yrs
"""


def test_the_sections_of_a_tumour_become_one_patient(tmp_path):
    (tmp_path / "blocks.csv").write_text(SUB_BLOCKS)
    assert import_ivygap(tmp_path / "blocks.csv", tmp_path / "out.tsv") == 2
    sheet = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("patient")
    assert sheet.loc["W2", ["time", "event", "age"]].tolist() == [351, 1, 17]
    assert sheet.loc["W1", ["time", "event", "subtype"]].isna().all()
    assert sheet["subtype"].tolist()[1] == "Neural"


def test_sections_that_disagree_give_one_line(tmp_path):
    (tmp_path / "blocks.csv").write_text(SUB_BLOCKS.replace("351.0", "350", 1))
    with pytest.raises(InputError, match=r"W2.*different things"):
        import_ivygap(tmp_path / "blocks.csv", tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()
