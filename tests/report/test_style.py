"""The house style."""

import matplotlib as mpl
import pandas as pd

from histoniche.report.style import (
    house_style,
    largest,
    new_figure,
    root_scale,
    save_figure,
    smallest,
    text_on,
)

TABLE = pd.DataFrame({"gene": ["$A$", "<b>"], "rho": [0.123456789, float("nan")]})


def draw(path):
    with house_style():
        figure = new_figure(2)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1])
        axes.set_title("cost $x^2$ & <script>")
        save_figure(figure, path, TABLE)


def test_same_figure_gives_the_same_bytes(tmp_path):
    draw(tmp_path / "a.svg")
    draw(tmp_path / "b.svg")
    for ending in (".svg", ".png", ".tsv"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_text_is_text_and_never_a_formula_nor_markup(tmp_path):
    draw(tmp_path / "a.svg")
    assert "cost $x^2$ &amp; &lt;script&gt;" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_table_beside_the_figure_has_plain_numbers_and_na(tmp_path):
    draw(tmp_path / "a.svg")
    assert (tmp_path / "a.tsv").read_text() == "gene\trho\n$A$\t0.123457\n<b>\tNA\n"


def test_style_depends_on_no_setting_of_the_user_and_leaves_none_behind(tmp_path):
    draw(tmp_path / "a.svg")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "lines.linewidth": 9}):
        draw(tmp_path / "b.svg")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_text_is_dark_on_light_and_light_on_dark():
    assert text_on((1, 1, 1)) == text_on((0.02, 0.82, 0.67)) == "black"
    assert text_on((0.02, 0.02, 0.02)) == text_on((0.13, 0.3, 0.4)) == "white"


def test_root_scale_has_round_ticks_from_zero_and_whole_ones_on_request():
    figure = new_figure(2)
    axes = figure.add_subplot()
    root_scale(axes.xaxis, 230.0, axes.set_xscale)
    ticks = list(axes.xaxis.get_major_locator().tick_values(0, 230))
    assert ticks[0] == 0 and ticks == sorted(set(ticks)) and len(ticks) > 4
    root_scale(axes.xaxis, 3.0, axes.set_xscale, whole=True)
    assert all(tick % 1 == 0 for tick in axes.xaxis.get_major_locator().tick_values(0, 3))
    root_scale(axes.xaxis, 0.0, axes.set_xscale)


def test_extremes_ignore_what_is_missing():
    table = pd.DataFrame({"a": [1.0, float("nan")], "b": [-3.0, 7.0], "c": [float("nan")] * 2})
    assert (largest(table, "a", "b"), smallest(table, "a", "b")) == (7, -3)
    assert (largest(table, "c"), smallest(table, "c")) == (0, 0)
