"""The Ivy Glioblastoma Atlas: its API, its colours, its RNA-seq."""

import io
import itertools
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histoniche.cohort.palette import IGNORE, find_palette, read_palette
from histoniche.cohort.sources import derivation
from histoniche.cohort.sources.annotation_masks import mask_from_picture, nearest_labels
from histoniche.cohort.sources.derivation import derive, expression_of_region
from histoniche.cohort.sources.derivation_list import write_derived
from histoniche.cohort.sources.download import download
from histoniche.cohort.sources.ivygap import IvyGap
from histoniche.errors import InputError
from histoniche.omics.maf import read_maf
from histoniche.slides.annotations.mask import read_mask
from source_services import FakeIvyGap, maf

PALETTE = read_palette(find_palette("ivygap"))
ENTRIES = [region._asdict() for region in PALETTE]
THIRD = {("IT", "CTpan"): ["LE"], ("CT", "CTpnz"): ["CTpan"], ("CTpnz", "CTne"): ["LE"]}
"""Regions between two others on the line from colour to colour."""


@pytest.fixture
def fake(server):
    blocks = {1: "W1-1-1-A.1.01", 2: "W1-1-1-AB.1.02", 3: "W2-1-1-A.1.01"}
    return FakeIvyGap(server, blocks)


def test_sections_are_read_page_by_page_and_genes_are_passed_over(fake, connection):
    fake.sets.append({**fake.sets[0], "id": 4, "genes": [{"acronym": "EGFR"}]})
    atlas = IvyGap(connection, fake.base, fake.portal, page=2)
    sections = atlas.sections([1, 2, 3, 4])
    assert len(sections) == 9
    assert [one.slide for one in sections[:3]] == [f"W1-1-1-A.1.01_{k:04d}" for k in (7, 13, 21)]
    assert sections[3].sub_block == "W1-1-1-AB.1.02" and sections[-1].tumour == "W2-1-1"
    assert [seen.query["criteria"][0][-30:].count("start_row$eq") for seen in fake.server.seen]
    assert len(fake.server.seen) == 2


def test_an_error_of_the_service_is_told(fake, connection):
    fake.server.services["/ivy/data/query.json"] = lambda seen: {"success": False, "msg": "no"}
    with pytest.raises(InputError, match="answers no;"):
        IvyGap(connection, fake.base).sections([1])
    del fake.sets[0]["sub_images"][0]["resolution"]
    fake.server.services["/ivy/data/query.json"] = fake._answer
    with pytest.raises(InputError, match="lacks 'resolution'"):
        IvyGap(connection, fake.base).sections([1])


def test_pictures_are_asked_for_halved_and_at_full_quality(fake, connection, tmp_path):
    atlas = IvyGap(connection, fake.base, fake.portal)
    section = atlas.sections([1])[0]
    download(atlas.annotation(section, 4), tmp_path, connection)
    assert fake.server.seen[-1].query == {
        "downsample": ["4"],
        "quality": ["100"],
        "view": ["tumor_feature_annotation"],
    }
    assert "view" not in atlas.image(section, 4).url
    assert (tmp_path / "annotations/W1-1-1-A.1.01_0007.jpg").is_file()


def picture(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def test_colours_become_labels_and_strange_ones_are_listed(tmp_path):
    pixels = np.full((100, 100, 3), 255, np.uint8)
    pixels[:50, :50] = PALETTE[3].rgb
    pixels[50:, :20] = (200, 120, 40)
    pixels[0, 0] = (128, 128, 128)
    out = tmp_path / "mask.png"
    strange = mask_from_picture(picture(tmp_path / "a.png", pixels), PALETTE, out)
    labels = read_mask(out, ENTRIES)
    assert (labels[1:50, 1:50] == 3).all() and (labels[50:, 20:] == 0).all()
    assert (labels[50:, :20] == IGNORE).all() and labels[0, 0] == IGNORE
    assert [(one.colour, one.pixels) for one in strange] == [("#C87828", 1000)]


def test_a_blend_of_two_regions_seldom_becomes_a_third():
    """Halfway between two colours there is no third, but for three pairs of the atlas's."""
    share = np.linspace(0, 1, 101)[:, None]
    third = {}
    for first, second in itertools.combinations(PALETTE, 2):
        blend = np.round((1 - share) * np.array(first.rgb) + share * np.array(second.rgb))
        labels = nearest_labels(blend.astype(np.uint8)[None], PALETTE)
        strange = set(labels.ravel().tolist()) - {first.label, second.label, IGNORE}
        if strange:
            third[first.region, second.region] = [PALETTE[label].region for label in strange]
    assert third == THIRD


def test_colours_that_are_too_close_are_refused(tmp_path):
    close = [PALETTE[0], PALETTE[1], PALETTE[1]._replace(label=2, colour="#2190A7")]
    with pytest.raises(InputError, match="1 apart"):
        mask_from_picture(tmp_path / "x.png", close, tmp_path / "out.png")


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff no")
    with pytest.raises(InputError, match="cannot be decoded"):
        mask_from_picture(tmp_path / "a.jpg", PALETTE, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_real_masks_survive_a_lossy_picture(real_data, tmp_path):
    """Real annotations, saved as the atlas's service does, come back but for a few at edges."""
    for path in sorted((real_data / "ivygap" / "masks").glob("*.png"))[::9]:
        truth = read_mask(path, ENTRIES)
        stream = io.BytesIO()
        Image.open(path).convert("RGB").save(stream, format="JPEG", quality=100)
        (tmp_path / "a.jpg").write_bytes(stream.getvalue())
        strange = mask_from_picture(tmp_path / "a.jpg", PALETTE, tmp_path / "m.png")
        got = read_mask(tmp_path / "m.png", ENTRIES)
        told = got != IGNORE
        assert told.mean() > 0.9 and (got[told] == truth[told]).mean() > 0.9999
        assert all(one.share < 0.02 for one in strange)


WELLS = {
    "101": ("W1-1-1", "CT-reference-histology"),
    "102": ("W1-1-1", "CT-reference-histology"),
    "103": ("W2-1-1", "CT-reference-histology"),
    "104": ("W2-1-1", "CTpan-reference-histology"),
    "105": ("W2-1-1", "CT-CD44"),
}


def test_expression_of_a_region_is_the_mean_of_a_tumours_samples(fake, connection, tmp_path):
    fake.add_expression(WELLS)
    atlas = IvyGap(connection, fake.base)
    remote = atlas.expression()
    download(remote, tmp_path, connection)
    target = tmp_path / "CT.tsv.gz"
    assert expression_of_region(tmp_path / remote.path, "CT", target) == 2
    table = pd.read_csv(target, sep="\t", index_col="gene")
    assert table.loc["EGFR"].to_dict() == {"W1-1-1": 0.5, "W2-1-1": 2}
    assert table.loc["TP53"].to_dict() == {"W1-1-1": 10.5, "W2-1-1": 12}
    with pytest.raises(InputError, match="CT-CD44, CT-reference-histology"):
        expression_of_region(tmp_path / remote.path, "LE", target)
    (tmp_path / remote.path).write_bytes(b"PK no")
    with pytest.raises(InputError, match="damaged"):
        expression_of_region(tmp_path / remote.path, "CT", target)


def test_what_is_derived_is_made_once_and_again_when_its_source_is_newer(tmp_path):
    step = {"make": "mask", "from": ["a.jpg"], "to": "masks/a.png", "palette": "ivygap"}
    write_derived([step], tmp_path)
    assert derive(tmp_path) == []
    pixels = np.full((40, 40, 3), 255, np.uint8)
    pixels[:20] = (200, 120, 40)
    picture(tmp_path / "a.jpg", pixels, quality=100)
    assert derive(tmp_path) == ["masks/a.png"] and derive(tmp_path) == []
    listed = pd.read_csv(tmp_path / "masks/a.strange.tsv", sep="\t")
    assert listed["share"].iloc[0] == pytest.approx(0.5, abs=0.1)
    pixels[:] = 255
    picture(tmp_path / "a.jpg", pixels, quality=100)
    assert derive(tmp_path) == ["masks/a.png"]
    assert not (tmp_path / "masks/a.strange.tsv").exists()


def test_what_is_made_follows_how_it_is_made_and_whose_files_came(tmp_path):
    files = {"a.gz": maf("TCGA-02-0001-01A", "TP53"), "b.gz": maf("TCGA-02-0002-01A", "EGFR")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    step = {"make": "maf", "from": list(files), "to": "m.maf.gz"}
    write_derived([step], tmp_path)
    assert derive(tmp_path, of=["a.gz"]) == [] and derive(tmp_path, of=files) == ["m.maf.gz"]
    assert len(read_maf(tmp_path / "m.maf.gz", silent=[]).table) == 2
    # A patient who left the cohort is left out of it, though no file is newer.
    write_derived([{**step, "from": ["b.gz"]}], tmp_path)
    assert derive(tmp_path) == ["m.maf.gz"] and derive(tmp_path) == []
    assert read_maf(tmp_path / "m.maf.gz", silent=[]).table["gene"].tolist() == ["EGFR"]
    packed = bytearray(files["b.gz"])
    packed[15:25] = b"x" * 10
    (tmp_path / "b.gz").write_bytes(packed)
    with pytest.raises(InputError, match=r"b\.gz: damaged or cut off"):
        derive(tmp_path)


SAMPLES = "rna_well_id,tumor_name,structure_acronym\n1,W1,CT-reference-histology\n"


def zipped(path, **tables):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in tables.items():
            packed.writestr(f"{name}.csv", text)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns-samples": "rna_well_id,structure_acronym\n1,CT\n"}, "column tumor_name"),
        ({"rows-genes": "id,gene_symbol\n11,EGFR\n"}, "column gene_id"),
        ({"fpkm_table": "gene_id,2\n11,1.5\n"}, "lacks a sample"),
        ({"fpkm_table": "gene_id,1\n11,much\n"}, "what is no number"),
        ({"fpkm_table": ""}, "damaged"),
    ],
)
def test_an_archive_that_does_not_fit_is_told(tmp_path, change, words):
    tables = {
        "columns-samples": SAMPLES,
        "rows-genes": "gene_id,gene_symbol\n11,EGFR\n",
        "fpkm_table": "gene_id,1\n11,1.5\n",
    }
    target = tmp_path / "CT.tsv"
    assert expression_of_region(zipped(tmp_path / "right.zip", **tables), "CT", target) == 1
    with pytest.raises(InputError, match=words):
        expression_of_region(zipped(tmp_path / "wrong.zip", **(tables | change)), "CT", target)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(derivation, "_LARGEST", 1000)
    path = zipped(tmp_path / "bomb.zip", **{"columns-samples": "0," * 5000})
    with pytest.raises(InputError, match="unpacks to more than"):
        expression_of_region(path, "CT", tmp_path / "CT.tsv")
