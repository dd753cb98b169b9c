"""One network a region: trained apart, fused, and re-trained alone."""

import json
import re
import shutil
from dataclasses import replace

from histoniche.tables import read_table

METRICS = "segmentation/metrics.parquet"


def test_each_region_has_its_own_network_and_re_trains_alone(tiled_study):
    study = tiled_study
    study.config["segmentation"] |= {"strategy": "per_region", "slides_per_job": 100}
    targets = ["results/demo/areas/patients.parquet", f"results/demo/{METRICS}"]
    study.run(*targets)
    heads = sorted(
        path.name for path in (study.results / "models").iterdir() if path.name[0] != "."
    )
    assert heads == sorted(["LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne"])
    described = json.loads((study.results / "models" / "IT" / "0" / "model.json").read_text())
    assert described["classes"] == ["rest", "IT"]
    changed = {**study.config["segmentation"], "heads": {"IT": {"epochs": 2}}}
    done = study.run("--dry-run", *targets, segmentation=changed)
    trained = re.findall(r"Training the network for (\w+)", done.stdout + done.stderr)
    assert trained == ["IT"]
    planned = study.planned(segmentation=changed)
    assert planned["train_head"] == 1
    assert {"segment_slides", "map_regions"} <= set(planned)
    assert not set(planned) & {"tile_slides", "inspect_slides"}
    networks_that_are_brought_along_say_whom_they_have_seen(study)


def networks_that_are_brought_along_say_whom_they_have_seen(study):
    """Apply the trained networks in a second run; here, so that they are trained once."""
    trained = study.results / "models"
    shutil.move(trained, study.folder / "networks")
    shutil.rmtree(study.results / "segmentation")
    config = {**study.config, "segmentation": {**study.config["segmentation"]}}
    config["segmentation"] |= {"pretrained": "networks"}
    # The split that would be drawn anew is another: what counts is whom the networks saw.
    second = replace(study, config={**config, "seed": 99})
    before = read_table(study.results / "cohort" / "split.parquet").set_index("patient")["role"]
    assert "train_head" not in second.planned()
    second.run(f"results/demo/{METRICS}")
    after = read_table(study.results / "cohort" / "split.parquet").set_index("patient")["role"]
    assert after.to_dict() == before.replace("test", "apply").to_dict()
    assert set(read_table(second.results / METRICS)["role"]) == set(after)
