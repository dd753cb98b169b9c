"""Conda, container and virtual environment are made of one lock each."""

import json
import re

import pytest
import yaml

from locks import ENVS, pins, versions
from study import CHECKOUT


@pytest.mark.parametrize("name", ["imaging", "analysis", "viewer"])
def test_conda_installs_what_the_lock_pins(name):
    lock = set(pins(name))
    dependencies = yaml.safe_load((ENVS / f"{name}.yaml").read_text())["dependencies"]
    assert dependencies[:2] == ["python=3.11", "pip"]
    assert set(dependencies[2]["pip"]) == lock
    assert len(lock) > 40


def test_the_viewer_has_the_workflows_versions_and_no_networks():
    own, all_of_them = versions("viewer"), versions("workflow")
    assert own.items() <= all_of_them.items()
    assert not {"torch", "lightning", "snakemake"} & set(own)


def test_what_the_browser_gets_is_pinned_by_content_and_names_no_registry():
    folder = CHECKOUT / "workflow" / "histoniche" / "viewer"
    text = (folder / "package-lock.json").read_text()
    wanted = json.loads((folder / "package.json").read_text())
    packages = json.loads(text)["packages"]
    assert '"resolved"' not in text
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        pinned = packages[f"node_modules/{name}"]
        assert pinned["version"] == version
        assert pinned["integrity"].startswith("sha512-")


def test_both_definitions_of_an_image_install_the_lock_by_one_script():
    for definition in ("container.def", "Containerfile"):
        text = (ENVS / definition).read_text()
        assert "sh /opt/envs/install.sh" in text
        assert re.search(r"envs/(\{\{ NAME \}\}|\$\{NAME\})\.lock", text)
        assert "pip install" not in text
    assert "--require-hashes" in (ENVS / "install.sh").read_text()


def test_every_rule_states_both_ways_of_deployment():
    for file in sorted((CHECKOUT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^(?:rule|checkpoint) ", file.read_text(), flags=re.MULTILINE)[1:]:
            if re.search(r"^ {4}(script|shell|run):", rule, flags=re.MULTILINE):
                where = f"{file.name}, rule {rule.partition(':')[0]}"
                assert re.search(r"^ {4}conda:$", rule, flags=re.MULTILINE), where
                assert re.search(r"^ {4}container:$", rule, flags=re.MULTILINE), where
