"""Activation over slices, the area that is highlighted, and the maps in it."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from histoniche.imaging.activation import map_activation
from histoniche.imaging.activation_measures import (
    CORE,
    MARGIN,
    OUTSIDE,
    highlighted,
    measure_activation,
    read_activation,
    zones_of,
)
from histoniche.imaging.samples import Sample, read_sample, write_sample
from histoniche.learning.risk_model import load_risk_model
from histoniche.tables import read_table
from scan_cohort import MAPS, outcomes, write_judged, write_samples


def disc(side=32, radius=10.0):
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return (np.hypot(rows, columns) < radius).astype(np.uint8)


def test_highlighted_is_the_share_with_the_highest_activation():
    rng = np.random.default_rng(0)
    activation = rng.random((4, 10, 10)).astype(np.float32)
    chosen = highlighted(activation, 0.2)
    assert chosen.sum() == 80
    assert activation[chosen].min() >= activation[~chosen].max()
    # Of equal ones as many as wanted, and one at least.
    assert highlighted(np.ones((1, 10, 10), np.float32), 0.25).sum() == 25
    assert highlighted(activation, 1e-6).sum() == 1


def test_zones_divide_the_crop_and_the_margin_lies_on_both_sides_of_the_border():
    tumour = np.stack([disc(), np.zeros((32, 32), np.uint8), np.ones((32, 32), np.uint8)])
    zones = zones_of(tumour, reach=1 / 16)
    assert (sum(zone.astype(int) for zone in zones.values()) == 1).all()
    far = np.hypot(*(np.indices((32, 32)) - 15.5))
    assert zones[CORE][0][far < 7].all() and zones[OUTSIDE][0][far > 13].all()
    assert zones[MARGIN][0][np.abs(far - 10) < 1].all()
    inside = zones[MARGIN][0] & (tumour[0] > 0)
    assert 0.6 < inside.sum() / (zones[MARGIN][0] & ~inside).sum() < 1
    # Without a border there is no margin.
    assert zones[OUTSIDE][1].all()


def test_a_tumour_that_reaches_the_edge_of_its_crop_has_its_margin_there():
    """A crop is the box of the whole tumour: what lies beyond its edge is no tumour."""
    whole = np.ones((1, 32, 32), np.uint8)
    zones = zones_of(whole, reach=1 / 16)
    assert zones[CORE][0, 2:-2, 2:-2].all() and not zones[OUTSIDE].any()
    assert zones[CORE].sum() == 28**2 and zones[MARGIN].sum() == 32**2 - 28**2
    # The same tumour in a wider crop has the same zones, but for what is added around it.
    wide = zones_of(np.pad(disc(32, 16)[np.newaxis], ((0, 0), (16, 16), (16, 16))), reach=1 / 32)
    tight = zones_of(disc(32, 16)[np.newaxis], reach=1 / 16)
    for zone in (CORE, MARGIN, OUTSIDE):
        assert np.array_equal(wide[zone][0, 16:-16, 16:-16], tight[zone][0])


def test_activation_is_the_mean_of_the_networks_that_have_not_seen_the_patient(tmp_path):
    samples, models = write_judged(tmp_path)
    outs = {name: tmp_path / "out" / name / "activation.safetensors" for name in samples}
    map_activation(samples, models, outs, maps=MAPS, patients=list("acd"), threads=1)
    assert not outs["b"].exists()
    assert read_activation(outs["c"]).shape == (0, 16, 16)
    for name, numbers in {"a": [0], "d": [0, 1, 2]}.items():
        images = read_sample(samples[name]).images[np.newaxis]
        each = [load_risk_model(models[number]).activation(images)[0] for number in numbers]
        expected = np.mean(each, axis=0)
        found = read_activation(outs[name])
        assert found.shape == (2, 16, 16) and found.max() == pytest.approx(1)
        assert found == pytest.approx(expected / expected.max(), abs=1e-4)


def test_maps_are_measured_where_activation_is_and_the_margin_is_found(tmp_path):
    table = outcomes(3)
    samples = write_samples(tmp_path / "scans", table, side=32, slices=2, bad=("P002",))
    activations = {}
    for name, file in samples.items():
        sample = read_sample(file)
        margin = zones_of(sample.tumour)[MARGIN]
        # In one patient nothing speaks for a risk.
        bright = margin.astype(np.float32) * (name != "P001")
        activations[name] = tmp_path / f"{name}.safetensors"
        save_file({"activation": bright}, activations[name])
    values, zones = tmp_path / "values.parquet", tmp_path / "zones.parquet"
    sample = read_sample(samples["P000"])
    margin = zones_of(sample.tumour)[MARGIN]
    share = float(margin.mean())
    measure_activation(samples, activations, maps=MAPS, share=share, values=values, zones=zones)
    rows = read_table(values).set_index("map")
    assert list(rows.index) == MAPS and (rows["patient"] == "P000").all()
    for place, name in enumerate(MAPS):
        own = sample.images[:, place]
        assert rows.loc[name, "inside"] == pytest.approx(own[margin].mean(), rel=1e-5)
        assert rows.loc[name, "outside"] == pytest.approx(own[~margin].mean(), rel=1e-5)
    assert (rows["highlighted_share_margin"] == 1).all()
    parts = read_table(zones).set_index("zone")
    assert parts["share"].sum() == pytest.approx(1) and parts["highlighted"].sum() == 1
    assert parts["activation"].to_dict() == {CORE: 0, MARGIN: 1, OUTSIDE: 0}


def test_what_lies_outside_of_the_brain_is_no_value_of_a_map(tmp_path):
    images = np.full((1, 2, 8, 8), 0.5, np.float32)
    images[:, 1] = 0.9
    # FA may be 0 in the brain, where no other map is.
    images[0, 0, :4, 4:] = 0
    images[0, :, 4:] = 0
    tumour = np.zeros((1, 8, 8), np.uint8)
    tumour[0, :4] = 1
    files, samples = {}, {}
    for name, row in (("P000", slice(0, 8)), ("P001", slice(4, 8))):
        samples[name] = tmp_path / name / "sample.safetensors"
        write_sample(Sample(images, tumour, np.zeros(1, np.int32)), samples[name])
        bright = np.zeros((1, 8, 8), np.float32)
        bright[0, row] = 1
        files[name] = tmp_path / f"{name}.safetensors"
        save_file({"activation": bright}, files[name])
    values, zones = tmp_path / "values.parquet", tmp_path / "zones.parquet"
    measure = {"maps": MAPS, "values": values, "zones": zones}
    measure_activation({"P000": samples["P000"]}, files, share=1, **measure)
    found = read_table(values).set_index("map")
    assert found["inside"].tolist() == pytest.approx([0.25, 0.9])
    assert found["outside"].isna().all()
    measure_activation({"P001": samples["P001"]}, files, share=0.5, **measure)
    found = read_table(values).set_index("map")
    assert found["inside"].isna().all()
    assert found["outside"].tolist() == pytest.approx([0.25, 0.9])
