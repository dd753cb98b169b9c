import pytest

from histoniche.cohort.barcodes import TCGA_TYPES, patient_of, read_slide_barcode


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "TCGA-02-0001-01Z-00-DX1.83fce43e-42ac-4dcd-b156-2908e75f2e47.svs",
            ("TCGA-02-0001", "Primary Tumor", "Z", "00", "DX", "1", "FFPE"),
        ),
        (
            "TCGA-06-0125-02A-01-BS1.svs",
            ("TCGA-06-0125", "Recurrent Tumor", "A", "01", "BS", "1", "frozen"),
        ),
        (
            "TCGA-E2-A1IG-11A-03-TSC.x.svs",
            ("TCGA-E2-A1IG", "Solid Tissue Normal", "A", "03", "TS", "C", "frozen"),
        ),
        (
            "TCGA-02-0001-01A-01-MS1.svs",
            ("TCGA-02-0001", "Primary Tumor", "A", "01", "MS", "1", "frozen"),
        ),
        (
            "TCGA-CR-7395-01A-01-TS1",
            ("TCGA-CR-7395", "Primary Tumor", "A", "01", "TS", "1", "frozen"),
        ),
        ("TCGA-02-0001-77A-01-DX12.svs", ("TCGA-02-0001", "77", "A", "01", "DX", "12", "FFPE")),
        (
            "tcga-02-0001-01z-00-dx1.svs",
            ("TCGA-02-0001", "Primary Tumor", "Z", "00", "DX", "1", "FFPE"),
        ),
    ],
)
def test_a_barcode_says_what_a_slide_is(name, expected):
    assert read_slide_barcode(name)[1:] == expected


@pytest.mark.parametrize(
    "name",
    [
        "TCGA-02-0001.svs",
        "TCGA-02-0001-01Z-00-XX1.svs",
        "slide7.svs",
        "",
        "TCGA-02-0001-01A-01R-1849-01",
    ],
)
def test_other_names_are_no_slides(name):
    assert read_slide_barcode(name) is None


def test_the_patient_is_in_the_first_three_fields():
    assert patient_of("TCGA-02-0001-01A-01R") == patient_of("TCGA-02-0001") == "TCGA-02-0001"
    assert patient_of("TCGA-02-00012") is None and patient_of("W1-1-1") is None


def test_the_real_slide_of_tcga_has_a_barcode(real_data):
    (slide,) = (real_data / "slides").glob("TCGA-*.svs")
    assert read_slide_barcode(slide.name).section_type == "frozen"
    assert TCGA_TYPES["01"] == "Primary Tumor"
