import pytest
from PIL import Image

from histoniche.cohort.study import read_study
from histoniche.errors import InputError


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Three patients with an annotated slide each; the working directory is theirs."""
    monkeypatch.chdir(tmp_path)
    rows = [f"S{k}\tP{k}\tS{k}.png\t1.0\tmask.png" for k in range(3)]
    (tmp_path / "slides.tsv").write_text(
        "\n".join(["slide\tpatient\tpath\tmpp\tannotation", *rows])
    )
    (tmp_path / "patients.tsv").write_text("patient\nP0\nP1\nP2\n")
    for name in ("S0", "S1", "S2", "mask"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    for name in ("encoder.safetensors", "a.csv", "e.tsv", "l.tsv", "p.tsv", "s.tsv"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def read(**blocks):
    config = {
        "cohort": {"slides": "slides.tsv", "patients": "patients.tsv"},
        "split": {"ratio": [1, 1, 1]},
        "tilings": {"a": {"mpp": 1, "size": 32}},
        "segmentation": {"tiling": "a"},
        **blocks,
    }
    return read_study(config, file="c.yaml")


def test_slides_that_networks_learn_from_stand_apart_from_those_to_be_told_about(cohort):
    rows = [
        *("S0\tP0\tS0.png\t1\tmask.png\t", "S1\tP1\tS1.png\t1\t\tapply"),
        *("S2\tP2\tS2.png\t1\t\t", "S3\tP2\tS2.png\t1\t\t"),
    ]
    header = "slide\tpatient\tpath\tmpp\tannotation\trole"
    (cohort / "slides.tsv").write_text("\n".join([header, *rows]))
    study = read_study(
        {"cohort": {"slides": "slides.tsv", "patients": "patients.tsv"}}, file="c.yaml"
    )
    assert study.slide_groups == {
        "learned-annotated": ["S0"], "applied": ["S1"], "learned": ["S2", "S3"],
    }  # fmt: skip


def test_a_heads_settings_are_the_common_ones_with_its_own(cohort):
    study = read(
        segmentation={
            "tiling": "a", "strategy": "per_region", "training": {"epochs": 3},
            "heads": {"IT": {"epochs": 5}},
        }
    )  # fmt: skip
    assert study.training_settings("IT")["epochs"] == 5
    assert study.training_settings("CT")["epochs"] == 3


def test_environment_variables_are_filled_into_files_of_weights(cohort, monkeypatch):
    monkeypatch.setenv("MODELS", str(cohort))
    training = {"encoder_weights": "${MODELS}/encoder.safetensors"}
    study = read(segmentation={"tiling": "a", "training": training})
    assert study.training_settings("all")["encoder_weights"] == f"{cohort}/encoder.safetensors"
    published = read(segmentation={"tiling": "a", "training": {"encoder_weights": "imagenet"}})
    assert published.training_settings("all")["encoder_weights"] == "imagenet"


def test_a_cross_validation_makes_a_network_a_fold(cohort):
    split = {"method": "kfold", "folds": 3}
    study = read(split=split)
    assert study.cross_validates and study.models("all") == ["all/0", "all/1", "all/2"]
    one = read(split={**split, "fold": 2})
    assert not one.cross_validates and one.models("all") == ["all/2"]
    assert read().models("all") == ["all/0"]


def test_one_or_several_networks_a_head_are_brought_along(cohort):
    for name in ("a/all", "b/all/0", "b/all/1"):
        folder = cohort / name
        folder.mkdir(parents=True)
        (folder / "model.json").touch()
        (folder / "model.safetensors").touch()
    segmentation = {"tiling": "a", "pretrained": "a"}
    assert read(segmentation=segmentation).models("all") == ["all"]
    assert read(segmentation={**segmentation, "pretrained": "b"}).models("all") == [
        "all/0",
        "all/1",
    ]
    (cohort / "b/all/1/model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no all/1/model\.safetensors in the folder of models"):
        read(segmentation={**segmentation, "pretrained": "b"})


GENES = {
    "areas": {"path": "a.csv", "patient": "patient", "columns": {"CT": "CT", "CTmvp": "CTmvp"}},
    "segmentation": None,
    "expression": {"path": "e.tsv", "unit": "counts"},
    "signatures": {},
}
CELLS = {**GENES, "single_cell": {"cells": "mask.png"}}
MODEL = {"areas": GENES["areas"], "segmentation": None, "survival": {}}
WRONG = {
    "weights that are not there": (
        {"segmentation": {"tiling": "a", "training": {"encoder_weights": "no.safetensors"}}},
        ["segmentation.training.encoder_weights", "'no.safetensors'", "no such file"],
    ),
    "a head's weights": (
        {
            "segmentation": {
                "tiling": "a",
                "strategy": "per_region",
                "heads": {"IT": {"encoder_weights": "no.safetensors"}},
            }
        },
        ["segmentation.heads.IT.encoder_weights", "no such file"],
    ),
    "a variable that is not set": (
        {"palette": "${NOWHERE_AT_ALL}/palette.tsv"},
        ["palette", "NOWHERE_AT_ALL", "not set"],
    ),
    "a stain's reference": (
        {
            "tilings": {
                "a": {"mpp": 1, "size": 32, "stain": {"method": "macenko", "reference": "no.png"}}
            }
        },
        ["tilings.a.stain.reference", "'no.png'", "no such file"],
    ),
    "Reinhard without a reference": (
        {"tilings": {"a": {"mpp": 1, "size": 32, "stain": {"method": "reinhard"}}}},
        ["tilings.a.stain.reference", "needs it"],
    ),
    "stain on copied tiles": (
        {
            "tilings": {
                "a": {
                    "mpp": 1,
                    "size": 32,
                    "codec": "source-jpeg",
                    "stain": {"method": "macenko"},
                }
            }
        },
        ["tilings.a.codec", "cannot be normalised"],
    ),
    "models among the results": (
        {"segmentation": {"tiling": "a", "pretrained": "results/models"}},
        ["segmentation.pretrained", "folder of results"],
    ),
    "gene sets among the results": (
        {
            "areas": {"path": "a.csv", "patient": "patient", "columns": {"CT": "CT"}},
            "segmentation": None,
            "expression": {"path": "e.tsv", "unit": "counts"},
            "signatures": {},
            "enrichment": {"gene_sets": {"go": "results/go.gmt"}},
        },
        ["enrichment.gene_sets.go", "folder of results"],
    ),
    "areas that are not there": (
        {**GENES, "areas": {**GENES["areas"], "path": "no.csv"}},
        ["areas.path", "'no.csv'", "no such file"],
    ),
    "gene sets that are not there": (
        {**GENES, "activity": {"gene_sets": {"go": "no.gmt"}}},
        ["activity.gene_sets.go", "'no.gmt'", "no such file"],
    ),
    "cells that are not there": (
        {**GENES, "single_cell": {"cells": "no.h5ad"}},
        ["single_cell.cells", "'no.h5ad'", "no such file or folder"],
    ),
    "cells of a patient that are not there": (
        {**GENES, "single_cell": {"cells": {"P0": "mask.png", "P1": "no"}}},
        ["single_cell.cells.P1", "'no'", "no such file or folder", "that is here"],
    ),
    "cells of a variable that is not set": (
        {**GENES, "single_cell": {"cells": {"P0": "${NOWHERE_AT_ALL}/P0"}}},
        ["single_cell.cells.P0", "NOWHERE_AT_ALL", "not set"],
    ),
    "cells among the results": (
        {**GENES, "single_cell": {"cells": {"P0": "results"}}},
        ["single_cell.cells.P0", "folder of results"],
    ),
    "labels among the results": (
        {**GENES, "single_cell": {"cells": "mask.png", "labels": "results/l.tsv"}},
        ["single_cell.labels", "folder of results"],
    ),
    "pairs among the results": (
        {**CELLS, "ligand_receptor": {"pairs": "results/p.tsv"}},
        ["ligand_receptor.pairs", "folder of results"],
    ),
    "a signature that there is not": (
        {**CELLS, "ligand_receptor": {"pairs": "p.tsv", "signatures": ["CT", "CTmpvneg"]}},
        ["ligand_receptor.signatures", "'CTmpvneg'", "did you mean CTmvpneg?"],
    ),
    "a model of a score that there is not": (
        {**MODEL, "survival_models": {"models": {"full": {"covariates": ["CT", "CTmpv"]}}}},
        ["models.full.covariates", "'CTmpv'", "no such covariate or score", "did you mean CTmvp?"],
    ),
    "a signature of a region that is not measured": (
        {**CELLS, "ligand_receptor": {"pairs": "p.tsv", "signatures": ["LE"]}},
        ["ligand_receptor.signatures", "'LE'", "signature"],
    ),
}


def test_signatures_are_those_that_are_derived(cohort):
    from histoniche.omics.signatures import ENDINGS

    study = read()
    assert study.signatures == [f"{region}{end}" for region in study.regions for end in ENDINGS]


def test_places_of_cells_are_filled_in_for_one_file_and_for_many(cohort, monkeypatch):
    monkeypatch.setenv("CELLS", str(cohort))
    blocks = {key: value for key, value in GENES.items() if value is not None}
    blocks |= {"cohort": {"patients": "patients.tsv"}}
    for cells, filled in (
        ("${CELLS}/mask.png", f"{cohort}/mask.png"),
        ({"P0": "${CELLS}", "P1": "mask.png"}, {"P0": f"{cohort}", "P1": "mask.png"}),
    ):
        config = {**blocks, "single_cell": {"cells": cells, "labels": "${CELLS}/l.tsv"}}
        study = read_study(config, file="c.yaml")
        assert study.config["single_cell"]["cells"] == filled
        assert study.config["single_cell"]["labels"] == f"{cohort}/l.tsv"


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_one_line(cohort, case):
    blocks, words = WRONG[case]
    (cohort / "results").mkdir()
    with pytest.raises(InputError) as caught:
        if blocks.get("segmentation", {}) is None:
            config = {key: value for key, value in blocks.items() if value is not None}
            config["cohort"] = {"patients": "patients.tsv"}
            read_study(config, file="c.yaml")
        else:
            read(**blocks)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_a_mask_that_is_a_jpeg_is_named(cohort):
    Image.new("RGB", (8, 8)).save(cohort / "mask.jpg")
    sheet = cohort / "slides.tsv"
    sheet.write_text(sheet.read_text().replace("mask.png", "mask.jpg", 1))
    with pytest.raises(InputError, match=r"slides.tsv, row 2, column annotation, .*neither PNG"):
        read()


@pytest.mark.parametrize("column", ["tissue_mask", "annotation"])
def test_a_drawing_among_the_results_would_be_deleted_and_is_refused(cohort, column):
    (cohort / "results").mkdir()
    Image.new("RGB", (8, 8)).save(cohort / "results" / "mask.png")
    row = {"annotation": "mask.png", column: "results/mask.png"}
    lines = ["\t".join(["slide", "patient", "path", "mpp", *row])]
    lines += ["\t".join([f"S{k}", f"P{k}", f"S{k}.png", "1.0", *row.values()]) for k in range(3)]
    (cohort / "slides.tsv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"column {column}.*where the next run writes; copy it"):
        read()


def test_a_zarr_is_no_tissue_mask(cohort):
    (cohort / "labels").mkdir()
    (cohort / "labels" / "zarr.json").write_text("{}")
    sheet = cohort / "slides.tsv"
    lines = sheet.read_text().splitlines()
    lines = [f"{lines[0]}\ttissue_mask", *(f"{line}\tlabels" for line in lines[1:])]
    sheet.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"column tissue_mask, .*neither PNG nor GeoJSON"):
        read()


@pytest.mark.parametrize(
    ("name", "words"),
    [("CTmpv", "did you mean CTmvp?"), ("GJB3", "did you mean GJB2?")],
)
def test_score_that_is_weighed_must_be_known(cohort, name, words):
    rows = ["patient\ttime\tevent\tage", "P0\t9\t1\t50", "P1\t8\t0\t60", "P2\t7\t1\t55"]
    (cohort / "patients.tsv").write_text("\n".join(rows))
    blocks = {
        "cohort": {
            "slides": "slides.tsv",
            "patients": "patients.tsv",
            "covariates": {"age": {"type": "numeric"}},
        },
        "expression": {"path": "e.tsv"},
        "survival": {"genes": ["GJB2"]},
    }
    read(**blocks, clinical_use={"scores": ["CTmvp", "GJB2"]})
    with pytest.raises(
        InputError, match=f"clinical_use.scores, value '{name}': no such score"
    ) as e:
        read(**blocks, clinical_use={"scores": [name]})
    assert words in str(e.value)
    own = {"scores": {"path": "s.tsv"}}
    assert read(**blocks, **own, clinical_use={"scores": [name]}).has("clinical_use")
    stated = {"stated": {name: [[0.5, 0.5]]}}
    with pytest.raises(InputError, match=f"survival_curves.stated, value '{name}': no such") as e:
        read(**blocks, survival_curves=stated)
    assert words in str(e.value)
    assert read(**blocks, **own, survival_curves=stated).has("survival_curves")
