import pytest
import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.config_docs import config_docs
from histoniche.cohort.schemas import read_schema
from histoniche.errors import InputError

MINIMAL = {"cohort": {"patients": "patients.tsv", "slides": "slides.tsv"}}


def with_block(**blocks):
    return {**MINIMAL, **blocks}


def test_defaults_are_filled_in_at_every_depth():
    config = check_config(
        with_block(tilings={"region": {"mpp": 8, "size": 256}}, segmentation={"tiling": "region"}),
        file="c.yaml",
    )
    assert config["tilings"]["region"]["min_tissue"] == 0.05
    assert config["segmentation"]["training"]["encoder"] == "resnet34"
    assert "survival" not in config


def test_what_means_the_same_compares_equal():
    whole = check_config(with_block(tilings={"a": {"mpp": 8, "size": 64}}), file="c")
    point = check_config(with_block(tilings={"a": {"size": 64, "mpp": 8.0}}), file="c")
    assert repr(whole) == repr(point)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ({"survivel": {}}, ["c.yaml", "survivel", "did you mean survival?"]),
        ({"slides": {"tisue": "otsu"}}, ["slides.tisue", "did you mean tissue?"]),
        ({"slides": {"tissue": "otzu"}}, ["slides.tissue", "'otzu'", "did you mean otsu?"]),
        ({"tilings": {"a": {"size": 64}}}, ["tilings.a", "either mpp or fit_px"]),
        ({"tilings": {"a": {"mpp": "1e-1", "size": 64}}}, ["'1e-1'", "write 0.1"]),
        ({"tilings": {"a": {"mpp": 8, "size": 100}}}, ["tilings.a.size", "100"]),
        ({"segmentation": {"tiling": "x"}}, ["segmentation.tiling", "'x'"]),
        ({"survival": {}}, ["areas", "needs areas"]),
        ({"survival": {"genes": ["GJB2"]}}, ["expression", "survival.genes needs it"]),
        (
            {
                "survival": {"cohorts": "split"},
                "scores": {"path": "s.tsv"},
                "cohort": {"patients": "p.tsv"},
            },
            ["survival.cohorts", "no slides to split"],
        ),
        ({"enrichment": {"gene_sets": {"a": "b.gmt"}}}, ["signatures", "needs it"]),
        ({"split": {"method": "kfold", "folds": 3, "fold": 3}}, ["split.fold", "at most 2"]),
    ],
)
def test_a_mistake_gives_one_line_with_key_and_remedy(blocks, words):
    with pytest.raises(InputError) as caught:
        check_config(with_block(**blocks), file="c.yaml")
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize("unit", ["counts", "tpm", "fpkm", "fpkm_uq", "log2"])
def test_groups_are_compared_and_pathways_found_in_any_unit(unit):
    blocks = {
        **AREAS,
        "survival": {"cohorts": "sheet"},
        "expression": {"path": "e.tsv", "unit": unit},
        "comparisons": {"a": {"score": "CT"}},
        "differential": {},
        "pathways": {"comparison": "a", **SETS},
    }
    assert check_config(with_block(**blocks), file="c.yaml")["pathways"]["q"] == 0.05


SETS = {"gene_sets": {"go": "go.gmt"}}
AREAS = {"areas": {"path": "a.tsv", "columns": {"CT": "ct"}}}
WITH_SURVIVAL = {**AREAS, "survival": {}}


def model(**entry):
    return {**AREAS, "survival": {}, "survival_models": {"models": {"a": entry}}}


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (
            {"comparisons": {"a": {"score": "CT"}}},
            ["areas.path", "comparisons.a needs areas or scores"],
        ),
        ({"comparisons": {"a": {"mutation": "IDH1"}}}, ["mutations", "comparisons.a needs it"]),
        ({"comparisons": {"a": {"cut": 0.3}}}, ["comparisons.a", "mutation, covariate or score"]),
        (
            {"comparisons": {"a": {"score": "CT", "case": "x"}}},
            ["comparisons.a", "write score, and no more"],
        ),
        (
            {"comparisons": {"a": {"covariate": "mgmt", "case": "x"}}},
            ["comparisons.a", "write case, covariate, reference"],
        ),
        (
            {"comparisons": {"a": {"covariate": "mgnt", "case": "x", "reference": "y"}}},
            ["comparisons.a.covariate", "'mgnt'", "did you mean mgmt?"],
        ),
        ({"differential": {}}, ["comparisons", "the block differential needs it"]),
        ({"survival_curves": {}}, ["column survival", "the block survival_curves needs it"]),
        ({**WITH_SURVIVAL, "gene_survival": {}}, ["column expression", "gene_survival needs it"]),
        (
            {**WITH_SURVIVAL, "survival_curves": {"groups": ["mgnt"]}},
            ["survival_curves.groups", "'mgnt'", "did you mean mgmt?"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"strata": ["age"]}},
            ["survival_curves.strata", "'age'", "make no strata", "categorical"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"groups": ["mgmt"], "strata": ["mgmt"]}},
            ["survival_curves.strata", "within its levels"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"orders": {"mgmt": ["no", "yes"]}}},
            ["survival_curves.orders.mgmt", "not among groups"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"cut": {"rule": "value"}}},
            ["survival_curves.cut.value", "the rule value needs it"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"cut": {"quantile": 0.3}}},
            ["survival_curves.cut.quantile", "median has no use for it", "rule: quantile"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"cut": {"rule": "maximum"}}},
            ["survival_curves.cut.rule", "'maximum'", "did you mean maximal?"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": [[0.3, 0.7], [0.7, 0.3]]}}},
            ["survival_curves.stated.CT", "[0.7, 0.3]", "limit", "write [up to, above]"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": [[float("nan")] * 2]}}},
            ["survival_curves.stated.CT", "[nan, nan]", "limit"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": []}}},
            ["survival_curves.stated.CT", "no limits are stated", "leave the score out"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": [0.3, 0.7]}}},
            ["survival_curves.stated.CT.0", "0.3", "array"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": [[0.5]]}}},
            ["survival_curves.stated.CT.0", "[0.5]", "too short"],
        ),
        (
            {**WITH_SURVIVAL, "survival_curves": {"stated": {"CT": [[0.5, 1], [0.5, 1.0]]}}},
            ["survival_curves.stated.CT", "non-unique"],
        ),
        ({"single_cell": {"cells": "c.h5ad"}}, ["signatures", "the block single_cell needs it"]),
        (
            {"ligand_receptor": {"pairs": "p.tsv"}},
            ["single_cell", "the block ligand_receptor needs it", "drop ligand_receptor"],
        ),
        ({"single_cell": {"cells": {}}}, ["single_cell.cells"]),
        ({"single_cell": {"cells": {"../P1": "c.h5ad"}}}, ["single_cell.cells", "'../P1'"]),
        ({"single_cell": {"labels": "l.tsv"}}, ["single_cell.cells", "missing", "add it"]),
        (
            {"ligand_receptor": {"pairs": "p.tsv", "appears_as": "pairs"}},
            ["ligand_receptor.appears_as", "'pairs'", "did you mean pair?"],
        ),
        (
            {
                **AREAS,
                "expression": {"path": "e.tsv"},
                "signatures": {"p_kind": "family", "permutations": 0},
            },
            ["signatures.permutations", "write 1000"],
        ),
        (
            {**AREAS, "expression": {"path": "e.tsv"}, "signatures": {"scores": ["HTI"]}},
            ["column scores", "signatures.scores needs it"],
        ),
        (
            {**AREAS, "expression": {"path": "e.tsv"}, "signatures": {"covariates": ["aeg"]}},
            ["signatures.covariates", "'aeg'", "did you mean age?"],
        ),
        (
            {"expression": {"path": "e.tsv"}, "activity": {**SETS, "covariates": ["age"]}},
            ["activity.covariates", "'age'", "its levels make no groups"],
        ),
        (
            {
                "expression": {"path": "e.tsv"},
                "comparisons": {"mgmt": {"covariate": "mgmt", "case": "x", "reference": "y"}},
                "activity": {**SETS, "covariates": ["mgmt"]},
            },
            ["activity.covariates", "'mgmt'", "rename the comparison"],
        ),
        (
            {"expression": {"path": "e.tsv"}, "activity": {**SETS, "min_size": 600}},
            ["activity.min_size", "greater than max_size"],
        ),
        ({"activity": SETS}, ["expression", "the block activity needs it"]),
        (
            {"survival_models": {"models": {"a": {"covariates": ["age"]}}}},
            ["survival", "the block survival_models needs it", "drop survival_models"],
        ),
        (
            model(covariates=["CT"], strata=["mgnt"]),
            ["models.a.strata", "'mgnt'", "no such covariate", "did you mean mgmt?"],
        ),
        (
            model(covariates=["CT"], strata=["age"]),
            ["models.a.strata", "'age'", "its levels make no groups", "categorical"],
        ),
        (
            model(covariates=["mgmt"], strata=["mgmt"]),
            ["models.a.strata", "'mgmt'", "among the covariates too"],
        ),
        (
            model(covariates=["age"], strata=["mgmt"], penalty=0.1, l1_ratio=0.5),
            ["models.a.l1_ratio", "0.5", "a lasso has no strata", "ridge"],
        ),
        (model(covariates=["age"], l1_ratio=0.5), ["models.a.l1_ratio", "no penalty"]),
        (model(covariates=[]), ["models.a.covariates"]),
        ({**model(covariates=["age"]), "survival_models": {"models": {}}}, ["survival_models"]),
        (
            {
                **AREAS,
                "survival": {},
                "survival_models": {"models": {"a/b": {"covariates": ["x"]}}},
            },
            ["survival_models.models", "'a/b'"],
        ),
        ({"clinical_use": {}}, ["clinical_use.scores", "missing", "add it"]),
        ({"clinical_use": {"scores": []}}, ["clinical_use.scores"]),
        ({"clinical_use": {"scores": ["a/b"]}}, ["clinical_use.scores", "'a/b'"]),
        ({"clinical_use": {"scores": ["CT"]}}, ["survival", "the block clinical_use needs it"]),
        (
            {**WITH_SURVIVAL, "clinical_use": {"scores": ["CT"], "covariates": ["aeg"]}},
            ["clinical_use.covariates", "'aeg'", "did you mean age?"],
        ),
        (
            {**WITH_SURVIVAL, "clinical_use": {"scores": ["CT", "age"]}},
            ["clinical_use.scores", "'age'", "this is a covariate"],
        ),
        (
            {**WITH_SURVIVAL, "clinical_use": {"scores": ["CT"], "years": [1, 3, 2]}},
            ["clinical_use.years", "the numbers do not rise", "rising order"],
        ),
        (
            {**WITH_SURVIVAL, "clinical_use": {"scores": ["CT"], "cuts": [0.6, 0.6]}},
            ["clinical_use.cuts", "the numbers do not rise"],
        ),
        (
            {**WITH_SURVIVAL, "clinical_use": {"scores": ["CT"], "cuts": [30, 60]}},
            ["clinical_use.cuts", "30"],
        ),
    ],
)
def test_statistics_that_name_what_is_not_there(blocks, words):
    config = with_block(**blocks)
    kinds = {"age": {"type": "numeric"}, "mgmt": {"type": "categorical"}}
    config["cohort"] = {**config["cohort"], "covariates": kinds}
    with pytest.raises(InputError) as caught:
        check_config(config, file="c.yaml")
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("per", "words"),
    [
        (0, ["per", "value 0"]),
        ("SD", ["per", "'SD'"]),
        ("1e1", ["per", "'1e1'", "write 10"]),
        (True, ["per"]),
    ],
)
def test_amount_of_a_hazard_ratio_is_a_number_or_a_standard_deviation(per, words):
    def check(amount):
        cohort = {**MINIMAL["cohort"], "covariates": {"age": {"type": "numeric", "per": amount}}}
        return check_config({"cohort": cohort}, file="c.yaml")["cohort"]["covariates"]["age"]["per"]

    assert check("sd") == "sd"
    assert repr(check(10)) == repr(check(10.0))
    with pytest.raises(InputError) as caught:
        check(per)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_scores_alone_can_divide_patients():
    config = with_block(scores={"path": "s.tsv"}, comparisons={"a": {"score": "HTI"}})
    assert check_config(config, file="c.yaml")["scores"]["min_shared"] == 10


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"crop": 224}, ["segmentation.training.crop", "larger than the tiles", "at most 128"]),
        ({"encoder_frozen": True}, ["encoder_frozen", "name encoder_weights"]),
        ({"augment": {"hue": {"strenght": 1}}}, ["hue.strenght", "did you mean strength?"]),
        ({"schedule": {"name": "cosinus"}}, ["schedule.name", "did you mean cosine?"]),
    ],
)
def test_training_settings_that_do_not_go_together(training, words):
    blocks = with_block(
        tilings={"region": {"mpp": 8, "size": 128}},
        segmentation={"tiling": "region", "training": training},
    )
    with pytest.raises(InputError) as caught:
        check_config(blocks, file="c.yaml")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ({"space": {"learning_rat": {"uniform": [0, 1]}}}, ["learning_rat", "did you mean learn"]),
        ({"space": {"augment.stian.strength": {"uniform": [0, 1]}}}, ["stian", "no such key"]),
        ({"space": {"dropout": {"uniform": [0.5, 0.1]}}}, ["space.dropout", "exchange them"]),
        ({"space": {"dropout": {"uniform": [3, 4]}}}, ["trial 1", "dropout", "mend its range"]),
        ({"space": {"encoder_weights": {"choices": [None]}}}, ["encoder_weights", "leave it out"]),
        ({"space": {"crop": {"choices": [160]}}}, ["trial 1.crop", "larger than the tiles"]),
        ({"space": {"dropout": {"uniform": [0, 1], "choices": [1]}}}, ["space.dropout"]),
        ({"review": "required"}, ["tuning.verdicts", "the review needs it"]),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_it_starts(tuning, words):
    blocks = with_block(
        tilings={"region": {"mpp": 8, "size": 128}},
        segmentation={"tiling": "region", "tuning": {"trials": 3, **tuning}},
    )
    with pytest.raises(InputError) as caught:
        check_config(blocks, file="c.yaml")
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_every_key_of_the_schema_is_described():
    def walk(entry, path):
        for name, child in entry.get("properties", {}).items():
            if "$ref" not in child:
                assert child.get("description"), f"{path}.{name}"
            assert entry["additionalProperties"] is False, path
            walk(child, f"{path}.{name}")

    schema = read_schema("config")
    walk(schema, "")
    walk(schema["$defs"]["training"], "training")
    walk(schema["$defs"]["augment"], "augment")
    walk(schema["$defs"]["range"], "range")
    walk(schema["$defs"]["classifier"], "classifier")
    walk(schema["$defs"]["mil"], "mil")


@pytest.mark.parametrize(
    ("override", "whole"),
    [("override", "training"), ("classifier_override", "classifier"), ("mil_override", "mil")],
)
def test_an_override_has_the_keys_of_what_it_overrides(override, whole):
    definitions = read_schema("config")["$defs"]
    assert set(definitions[override]["properties"]) == set(definitions[whole]["properties"])


def test_every_shipped_config_is_valid(checkout):
    # Presets are parts of a config; test_presets.py has them.
    shipped = sorted(
        path for path in (checkout / "config").rglob("*.yaml") if path.parent.name != "presets"
    )
    assert len(shipped) >= 3
    for path in shipped:
        check_config(yaml.safe_load(path.read_text()), file=str(path))


def test_the_page_of_the_configuration_is_current(checkout):
    assert (checkout / "config" / "README.md").read_text() == config_docs()


def test_clinical_use_without_a_declared_covariate_is_refused():
    with pytest.raises(InputError, match=r"cohort\.covariates.*clinical_use needs covariates"):
        check_config(with_block(**WITH_SURVIVAL, clinical_use={"scores": ["CT"]}), file="c.yaml")
