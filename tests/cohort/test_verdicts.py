import pytest

from histoniche.cohort.verdicts import awaited_verdicts, read_verdicts
from histoniche.errors import InputError

HEADER = "head\tfold\ttrial\tmodel\tverdict\treviewer\tcomment"
MODELS = [("all", 0), ("all", 1)]


def sheet(tmp_path, *rows):
    path = tmp_path / "verdicts.tsv"
    path.write_text("\n".join([HEADER, *("\t".join(row) for row in rows)]) + "\n")
    return path


def row(fold, trial, verdict):
    return ("all", str(fold), str(trial), "0123456789ab", verdict, "", "")


def test_without_a_sheet_everything_is_awaited(tmp_path):
    verdicts = read_verdicts(tmp_path / "none.tsv")
    assert awaited_verdicts(verdicts, MODELS) == [
        "network all, fold 0: no verdict",
        "network all, fold 1: no verdict",
    ]


def test_a_row_without_a_verdict_is_awaited(tmp_path):
    path = sheet(tmp_path, row(0, 3, "accepted"), row(1, 3, "accepted"), row(1, 5, ""))
    verdicts = read_verdicts(path)
    assert awaited_verdicts(verdicts, MODELS) == ["network all, fold 1: no verdict on trial 5"]
    assert awaited_verdicts(verdicts, MODELS[:1]) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(0, 1, "yes")], ["row 2", "column verdict", "'yes'"]),
        ([row("x", 1, "accepted")], ["row 2", "column fold", "'x'"]),
        ([("all", "0", "1", "zz", "accepted", "", "")], ["column model", "'zz'"]),
        ([row(0, 1, "rejected"), row(0, 2, "rejected")], ["all 2 trials", "widen the space"]),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, rows, words):
    with pytest.raises(InputError) as error:
        read_verdicts(sheet(tmp_path, *rows))
    assert all(word in str(error.value) for word in words), str(error.value)
