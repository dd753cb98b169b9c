"""A run through SLURM asks for what the rules say, and ends as a run on one machine does."""

import shutil

import pytest

from cluster_study import TARGETS, assert_same_results, copied, here
from slurm_cluster import Cluster, Submission
from study import CORES, Study

ASKED = {
    "inspect_slide": ("cpu", "", "1", 4000, "60"),
    "tile_slide": ("cpu", "", "4", 4000, "60"),
    "split_patients": ("cpu", "", "1", 1000, "10"),
    "train_head": ("gpu", "1", CORES, 16000, "720"),
    "segment_slides_1": ("gpu", "1", "4", 8000, "120"),
    "map_regions": ("cpu", "", "1", 4000, "30"),
    "collect_areas": ("cpu", "", "1", 1000, "10"),
    "evaluate_segmentation": ("cpu", "", "1", 4000, "60"),
}
"""Partition, GPUs, CPUs, MB and minutes that the jobs of a rule ask for."""


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
    asked = {}
    for submission in finished[1]:
        options = [submission.asked(name) for name in ("-p", "--gpus", "--cpus-per-task", "-t")]
        # What decoding an annotation takes, and what an array takes, is some MB.
        memory = round(int(submission.asked("--mem")), -3)
        asked.setdefault(submission.rule, set()).add((*options[:3], memory, options[3]))
        assert "--requeue" in submission.arguments
    assert {rule: asked[rule] for rule in ASKED} == {rule: {ASKED[rule]} for rule in ASKED}
    on_gpus = {rule for rule, some in asked.items() for partition, *_ in some if partition == "gpu"}
    assert on_gpus == {"train_head", "segment_slides_1"}


def test_slides_come_as_arrays(finished):
    study, submissions = finished
    slides = len(list((study.results / "slides").glob("*/inspection.json")))
    arrays = [one.asked("--array") for one in submissions if one.rule == "inspect_slide"]
    assert arrays == [f"1-{slides}"]


def test_an_output_that_was_deleted_is_made_again_and_no_more(finished, tmp_path):
    study = copied(finished[0], tmp_path / "study")
    lost = next((study.results / "regions").iterdir())
    shutil.rmtree(lost)
    targets = (*TARGETS, f"results/demo/regions/{lost.name}/map.ome.zarr/zarr.json")
    assert here(study).planned(*targets) == {"map_regions": 1, "collect_areas": 1}
    here(study).run(*targets)
    assert_same_results(study, finished[0])
