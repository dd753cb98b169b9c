"""Captions of the workflow's report."""

import re
from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / "workflow"


def test_every_table_and_figure_of_the_report_has_its_caption():
    rules = "".join(path.read_text() for path in (WORKFLOW / "rules").glob("*.smk"))
    named = set(re.findall(r'caption="\.\./report/(\w+)\.rst"', rules))
    named |= {f"figure_{stem}" for stem in re.findall(r'figures?\(\s*"(\w+)"', rules)}
    assert len(named) > 50
    assert not {name for name in named if not (WORKFLOW / "report" / f"{name}.rst").is_file()}
