"""One network a region: trained apart, fused, and re-trained alone."""

import json
import re


def test_each_region_has_its_own_network_and_re_trains_alone(small_study):
    study = small_study()
    study.config["segmentation"] |= {"strategy": "per_region", "slides_per_job": 100}
    targets = ["results/demo/areas/patients.parquet", "results/demo/segmentation/metrics.parquet"]
    study.run(*targets)
    heads = sorted(
        path.name for path in (study.results / "models").iterdir() if path.name[0] != "."
    )
    assert heads == sorted(["LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne"])
    described = json.loads((study.results / "models" / "IT" / "model.json").read_text())
    assert described["classes"] == ["rest", "IT"]
    changed = {**study.config["segmentation"], "heads": {"IT": {"epochs": 2}}}
    done = study.run("--dry-run", *targets, segmentation=changed)
    trained = re.findall(r"Training the network for (\w+)", done.stdout + done.stderr)
    assert trained == ["IT"]
    planned = study.planned(segmentation=changed)
    assert planned["train_head"] == 1
    assert {"segment_slides_1", "map_regions"} <= set(planned)
    assert not set(planned) & {"tile_slide", "inspect_slide"}
