"""One network a region: trained apart, fused, and re-trained alone."""

import json


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
    study.write_config(segmentation=changed)
    done = study.run("--dry-run", *targets, segmentation=changed)
    assert done.stdout.count("wildcards: head=") + done.stderr.count("wildcards: head=") == 1
    assert "wildcards: head=IT" in done.stdout + done.stderr
    planned = study.planned(segmentation=changed)
    assert planned["train_head"] == 1
    assert {"segment_slides_1", "map_regions"} <= set(planned)
    assert not set(planned) & {"tile_slide", "inspect_slide"}
