"""Wrong inputs: one line that says what, where and what to do, and nothing written."""

import pytest


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def sheet_edit(name, old, new):
    return lambda study: edit(study.folder / "cohort" / name, old, new)


def set_key(block, key, value):
    def change(study):
        study.config[block][key] = value

    return change


def append(name, row):
    def change(study):
        with (study.folder / "cohort" / name).open("a") as stream:
            stream.write(row + "\n")

    return change


def empty(study):
    (study.folder / "cohort" / "slides.tsv").write_text("slide\tpatient\tpath\n")


ROW = "{slide}\t{patient}\t{path}\t\t\t\t"
PATIENT = "{patient}\t{time}\t{event}\t60\tF\tmethylated\tnormal\theads"
CASES = {
    "typo in a key": (set_key("segmentation", "stratgy", "joint"), ["stratgy", "strategy"]),
    "duplicate slide": (
        append("slides.tsv", ROW.format(slide="P001-1", patient="P001", path="slides/P001-1.tif")),
        ["slides.tsv", "column slide", "'P001-1'", "already"],
    ),
    "unknown patient": (
        append("slides.tsv", ROW.format(slide="N1", patient="P077", path="slides/P001-1.tif")),
        ["slides.tsv", "column patient", "'P077'"],
    ),
    "id that climbs": (
        append("slides.tsv", ROW.format(slide="../x", patient="P001", path="slides/P001-1.tif")),
        ["column slide", "'../x'"],
    ),
    "id that commands": (
        append("patients.tsv", PATIENT.format(patient="A; touch B", time=9, event=1)),
        ["column patient", "'A; touch B'"],
    ),
    "missing file": (
        append("slides.tsv", ROW.format(slide="N1", patient="P001", path="slides/none.tif")),
        ["column path", "none.tif", "no such file"],
    ),
    "text in a numeric column": (
        append("patients.tsv", PATIENT.format(patient="N1", time="long", event=1)),
        ["column time", "'long'"],
    ),
    "event of 2": (
        append("patients.tsv", PATIENT.format(patient="N1", time=9, event=2)),
        ["column event", "'2'"],
    ),
    "empty sheet": (empty, ["slides.tsv", "empty"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_input_stops_before_any_job(small_study, case):
    change, words = CASES[case]
    study = small_study
    change(study)
    done = study.run(succeed=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not study.results.exists()
    assert not (study.folder / "B").exists()


def errors_of(done):
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    return [line for line in output.splitlines() if line.startswith("error: ")]


def test_a_mask_of_another_size_is_named_and_leaves_nothing(small_study):
    from PIL import Image

    study = small_study
    mask = sorted((study.folder / "cohort" / "masks").glob("*.png"))[0]
    Image.new("RGB", (300, 900)).save(mask)
    done = study.run("--until", "tile_slides", succeed=False)
    assert any(mask.name in line and "300 x 900" in line for line in errors_of(done))
    assert not (study.results / "tiles" / "region" / f"{mask.stem}.zarr").exists()


def test_a_gmt_without_known_genes_is_named_and_leaves_nothing(own_copy):
    study = own_copy
    foreign = study.folder / "foreign.gmt"
    foreign.write_text("term\tlink\tAAA\tBBB\tCCC\tDDD\tEEE\tFFF\n")
    done = study.run(
        "results/demo/omics/enrichment.parquet",
        succeed=False,
        enrichment={"gene_sets": {"foreign": str(foreign)}},
    )
    assert any("foreign.gmt" in line for line in errors_of(done))
    assert not (study.results / "omics" / "enrichment.parquet").exists()
