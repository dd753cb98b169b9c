"""What sinfo says of partitions and nodes."""

import math

import pytest

from histoniche.doctor.nodes import Node, count_gpus, minutes_of, read_nodes
from histoniche.errors import InputError


def test_nodes_that_are_up_are_read_by_partition(sinfo):
    nodes, default = read_nodes()
    assert default == "cpu"
    assert nodes == {
        "cpu": [Node(16, 64000, 0, 2880)],
        "gpu": [Node(8, 128000, 2, 1440)],
        "old": [],
    }


def test_gpus_of_several_kinds_are_counted_and_other_resources_are_not():
    assert count_gpus("gpu:4") == 4
    assert count_gpus("gpu:a100:4(S:0-1),gpu:h100:2(S:1),nvme:gpu:7") == 6
    assert count_gpus("(null)") == 0


def test_time_limits_become_minutes():
    assert minutes_of("7-00:00:00") == 7 * 24 * 60
    assert minutes_of("12:30:00") == 750
    assert minutes_of("30:30") == 30.5
    assert math.isinf(minutes_of("infinite"))


def test_a_missing_or_silent_slurm_is_one_line(put):
    with pytest.raises(InputError, match="no sinfo here; run the doctor where jobs"):
        read_nodes()
    put("sinfo", "Unable to contact slurm controller", status=1, stream=2)
    with pytest.raises(InputError, match="Unable to contact slurm controller; ask whether"):
        read_nodes()
