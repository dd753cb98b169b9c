"""What the files of a bundle are said to be."""

import pytest

from histoniche.report.contents import description


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("traits/rounds.tsv", "Roles of the patients in each round of the traits"),
        ("traits/round_table.parquet", "AUROC of the rounds and of the ensemble, a row a trait"),
        ("traits/comparisons.tsv", "Two trainings of the same labels, tested by their rounds"),
        ("traits/chains/grades/metrics.tsv", "The chain grades and one model, round by round"),
        ("traits/chains/grades/comparison.tsv", "The chain grades tested against one model"),
        ("traits/heterogeneity/patients.tsv", "Heterogeneity index of every patient"),
        ("traits/MGMT/labels.tsv", "Class of every slide by MGMT, and why others have none"),
        ("traits/MGMT/metrics.tsv", "How well MGMT is told, by round and set"),
        ("traits/MGMT/gallery.png", "Surest right and wrong tiles of MGMT"),
        ("traits/MGMT/gallery.tsv", "Which tiles of MGMT are the surest, right and wrong"),
        ("traits/Type/attention/S1.zarr", "Attention of Type over the tiles of slide S1"),
        ("traits/maps/S1/heat_maps.png", "Slide S1 with what the networks found on its tiles"),
        ("traits/maps/S1/heterogeneity_a_b.png", "Combinations of traits of a_b on slide S1"),
        ("traits/maps/S1/cartography.zarr", "Which traits the tiles of slide S1 show"),
        ("traits/maps/S1/MGMT.zarr", "Votes on the tiles of slide S1 by MGMT"),
        ("traits/maps/S1/MGMT.geojson", "Tiles of slide S1 by MGMT for QuPath"),
        ("models/traits/MGMT/0/model.json", "Description of the network of MGMT, round 0"),
        ("models/traits/MGMT/0/model.safetensors", "Weights of MGMT, round 0"),
        ("models/traits/MGMT/choice.parquet", "Rounds of MGMT that vote, and their thresholds"),
        ("imaging/quality.tsv", "Which scans were used, and why others were not"),
        (
            "slide_signature/performance.tsv",
            "Concordance of slide_signature with survival by cohort",
        ),
        ("imaging/scores.parquet", "Risk of every patient by imaging"),
        ("imaging/activation_zones.tsv", "Where in the tumour the networks look, by patient"),
        ("imaging/scans/P1/picture.png", "Slices and maps of patient P1 with the tumour"),
        ("models/imaging/0/model.json", "Description of the network of imaging, fold 0"),
        ("models/slide_signature/4/model.safetensors", "Weights of slide_signature, fold 4"),
        ("models/all/0/model.json", "Description of the network all/0"),
    ],
)
def test_files_of_stages_and_networks_are_described_by_their_place(name, words):
    assert description(name) == words
