"""A run through SLURM asks for what the rules say, and ends as a run on one machine does."""

import shutil

import pytest

from cluster_study import TARGETS, assert_same_results, copied, here
from histoniche.files import read_json
from slurm_cluster import Cluster, Submission
from study import CORES, Study, planned_jobs

ASKED = {
    "inspect_slides": ("cpu", "", "1", 4000),
    "tile_slides": ("cpu", "", "4", 4000),
    "split_patients": ("cpu", "", "1", 1000),
    "train_head": ("gpu", "1", CORES, 16000),
    "segment_slides": ("gpu", "1", "4", 8000),
    "map_regions": ("cpu", "", "1", 4000),
    "collect_areas": ("cpu", "", "1", 1000),
    "evaluate_segmentation": ("cpu", "", "1", 4000),
}
"""Partition, GPUs, CPUs and MB that the jobs of a rule ask for."""
MINUTES = {"inspect_slides": 60, "tile_slides": 60, "split_patients": 10, "train_head": 720}
"""Minutes that they ask for, those with one slide or none."""


@pytest.fixture(scope="module")
def finished(
    cluster: Cluster, new_study: Study, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, list[Submission]]:
    """The study run on the cluster from its slides to its tables, and what was submitted."""
    study = cluster.study(copied(new_study, tmp_path_factory.mktemp("cluster") / "study"))
    before = len(cluster.submissions())
    study.run(*TARGETS)
    return study, cluster.submissions()[before:]


def test_results_equal_those_of_a_run_on_one_machine(finished, undisturbed):
    assert_same_results(finished[0], undisturbed)


def test_each_job_asks_for_what_its_rule_says(finished):
    study, submissions = finished
    asked, minutes = {}, {}
    for submission in submissions:
        options = [submission.asked(name) for name in ("-p", "--gpus", "--cpus-per-task")]
        # What decoding an annotation takes, and what an array takes, is some MB.
        memory = round(int(submission.asked("--mem")), -3)
        asked.setdefault(submission.rule, set()).add((*options, memory))
        minutes.setdefault(submission.rule, set()).add(int(submission.asked("-t")))
        assert "--requeue" in submission.arguments
    assert {rule: asked[rule] for rule in ASKED} == {rule: {ASKED[rule]} for rule in ASKED}
    assert {rule: minutes[rule] for rule in MINUTES} == {rule: {n} for rule, n in MINUTES.items()}
    # An array asks for one time, that of the most slides.
    batches = (study.results / "segmentation" / ".batches").glob("*.json")
    sizes = [len(read_json(path)["slides"]) for path in batches]
    assert minutes["segment_slides"] == {30 + 6 * (max(sizes) - 1)}
    on_gpus = {rule for rule, some in asked.items() for partition, *_ in some if partition == "gpu"}
    assert on_gpus == {"train_head", "segment_slides"}


def test_slides_come_as_arrays(finished):
    study, submissions = finished
    slides = len(list((study.results / "slides").glob("*/inspection.json")))
    arrays = [one.asked("--array") for one in submissions if one.rule == "inspect_slides"]
    assert arrays == [f"1-{slides}"]


def test_an_output_that_was_deleted_is_made_again_and_no_more(finished, tmp_path):
    study = copied(finished[0], tmp_path / "study")
    lost = next((study.results / "regions").glob("*/map.ome.zarr"))
    shutil.rmtree(lost)
    stages = ("--until", "map_regions", "collect_areas")
    planned = here(study).run("--dry-run", "--quiet", "rules", *stages)
    assert planned_jobs(planned.stdout + planned.stderr) == {"map_regions": 1, "collect_areas": 1}
    here(study).run(*stages)
    assert (lost / "zarr.json").is_file()
    assert_same_results(study, finished[0])
