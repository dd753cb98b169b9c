"""What goes wrong on a cluster is overcome as the README says, and changes no result."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pandas.testing import assert_frame_equal

from cluster_study import TARGETS, WEIGHTS, assert_same_results, copied, here
from histoniche.files import sha256
from histoniche.tables import read_table
from slurm_cluster import (
    PATIENCE,
    Cluster,
    Run,
    environment_of,
    processes_of,
    signal_job,
    wait_for,
)
from study import Study

MODEL = f"results/demo/{WEIGHTS}"


@contextmanager
def frozen_in_training(
    cluster: Cluster, study: Study, *arguments: str
) -> Iterator[tuple[Run, str]]:
    """A run whose training stands still after its first epochs, and the number of that job."""
    state = study.results / Path(WEIGHTS).parents[1] / ".state"
    with cluster.started(study, MODEL, *arguments) as run:
        job = cluster.job("train_head", run)
        wait_for(lambda: list(state.glob("*/*/step-*.ckpt")), "the training kept no state", run)
        signal_job(job, signal.SIGSTOP)
        assert not (study.folder / MODEL).exists()
        yield run, job


def assert_ended_well(run: Run, study: Study) -> None:
    """A run ends without an error."""
    assert run.wait(2 * PATIENCE) == 0, (study.folder / "run.log").read_text()[-6000:]


def assert_went_on(study: Study, undisturbed: Study) -> None:
    """The training did not start over, and the study ends as if nothing had happened."""
    log = study.results / "logs" / "train_head" / "models" / "all" / "0.log"
    epochs = re.findall(r"epoch (\d+):", log.read_text())
    assert int(epochs[0]) > 1
    here(study).run(*TARGETS)
    assert_same_results(study, undisturbed)


def frozen(cluster: Cluster, rule: str, number: int, run: Run) -> list[str]:
    """Numbers of the jobs of a rule when so many run, all of which then stand still."""

    def jobs() -> list[str]:
        found = [job for job in cluster.running(rule) if processes_of(job)]
        return found if len(found) == number else []

    seen = wait_for(jobs, f"no {number} jobs of {rule} ran", run)
    for job in seen:
        signal_job(job, signal.SIGSTOP)
    return seen


def slurm_logs(study: Study, rule: str) -> list[Path]:
    """SLURM's own logs of a rule's jobs that are still there."""
    return sorted((study.folder / "results" / "logs" / "slurm" / f"rule_{rule}").rglob("*.log"))


def asked_by(cluster: Cluster, rule: str, option: str, since: int) -> list[str]:
    """What the jobs of a rule asked for, one after the other."""
    return [one.asked(option) for one in cluster.submissions()[since:] if one.rule == rule]


def restarts(cluster: Cluster, job: str) -> int:
    """How often SLURM has queued a job again."""
    return int(re.search(r"Restarts=(\d+)", cluster.ask("scontrol", "show", "job", job))[1])


def test_out_of_memory_is_tried_again_with_more(cluster, new_study, tmp_path):
    regions = ["LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne"]
    study = cluster.study(copied(new_study, tmp_path / "study"))
    cohort = {key: value for key, value in study.config["cohort"].items() if key != "slides"}
    config = {key: study.config[key] for key in ("study", "results", "seed")}
    areas = {"path": "areas.tsv", "patient": "patient", "rows": "sections"}
    areas["columns"] = {region: region for region in regions}
    study = replace(study, config={**config, "cohort": cohort, "areas": areas})
    sections = "".join(f"P00{n}\t{n}\t2\t0.5\t0.25\t4\t1\t8\n" for n in (1, 2, 3))
    with (study.folder / "areas.tsv").open("w") as table:
        print("patient", *regions, sep="\t", file=table)
        for _ in range(1600):
            table.write(1000 * sections)
    before = len(cluster.submissions())
    study.run("results/demo/areas/patients.parquet")
    assert asked_by(cluster, "import_areas", "--mem", before) == ["1000", "2000"]
    table = read_table(study.results / "areas" / "patients.parquet")
    found = table[table["region"] == "LE"].set_index("patient")["area"]
    assert dict(found) == {"P001": 1, "P002": 2, "P003": 3}
    # Of the tries that failed the logs are kept, of the one that did not none.
    (log,) = slurm_logs(study, "import_areas")
    assert "memory limit" in log.read_text()


def test_tries_that_share_an_array_ask_for_what_the_last_needs(cluster, new_study, tmp_path):
    study = cluster.study(copied(new_study, tmp_path / "study"))
    before = len(cluster.submissions())
    slides = [f"results/demo/slides/.batches/{slide}.json" for slide in ("P001-1", "P002-1")]
    with cluster.started(study, *slides) as run:
        first, other = frozen(cluster, "inspect_slides", 2, run)
        cluster.cancel(first)
        wait_for(lambda: first not in cluster.running("inspect_slides"), "it was not cancelled")
        (second,) = set(frozen(cluster, "inspect_slides", 2, run)) - {other}
        # The run sees both ends at the same time, that of a first and that of a second try.
        run.send_signal(signal.SIGSTOP)
        cluster.cancel(other, second)
        wait_for(lambda: not cluster.ask("squeue", "--noheader"), "they were not cancelled", run)
        run.send_signal(signal.SIGCONT)
        assert_ended_well(run, study)
    memory = [int(one) for one in asked_by(cluster, "inspect_slides", "--mem", before)]
    # An array asks for some MB on top.
    assert [round(one, -3) for one in memory] == [4000, 8000, 12000]
    assert asked_by(cluster, "inspect_slides", "-t", before) == ["60", "120", "180"]
    assert asked_by(cluster, "inspect_slides", "--array", before)[2] == "1-2"


def test_over_its_time_a_training_goes_on_with_more(cluster, tiled, undisturbed):
    before = len(cluster.submissions())
    minutes = ("--set-resources", "train_head:runtime=9*attempt")
    with frozen_in_training(cluster, tiled, *minutes) as (run, job):
        # Not to be waited for, and not to be over before the training has begun.
        cluster.ask("scontrol", "update", f"jobid={job}", "timelimit=1")
        assert_ended_well(run, tiled)
    assert "'TIMEOUT'" in (tiled.folder / "run.log").read_text()
    assert asked_by(cluster, "train_head", "-t", before) == ["9", "18"]
    assert_went_on(tiled, undisturbed)


def test_a_cancelled_job_is_tried_again(cluster, tiled, undisturbed):
    with frozen_in_training(cluster, tiled) as (run, job):
        cluster.ask("scancel", job)
        assert_ended_well(run, tiled)
    assert_went_on(tiled, undisturbed)


def test_a_node_that_goes_down_takes_its_job_up_again(cluster, tiled, undisturbed):
    with frozen_in_training(cluster, tiled) as (run, job):
        cluster.switch_off("gpu1")
        wait_for(lambda: restarts(cluster, job), "the job was not queued again", run)
        cluster.switch_on("gpu1")
        assert_ended_well(run, tiled)
    assert_went_on(tiled, undisturbed)


def test_a_preempted_job_is_queued_again(cluster, tiled, undisturbed):
    urgent = ["--partition=urgent", "--cpus-per-task=8", "--mem=100", "--output=/dev/null"]
    with frozen_in_training(cluster, tiled) as (run, job):
        cluster.ask("sbatch", *urgent, "--wrap=true")
        wait_for(lambda: restarts(cluster, job), "the job was not preempted", run)
        assert_ended_well(run, tiled)
    assert_went_on(tiled, undisturbed)


def test_a_killed_run_goes_on_when_its_jobs_are_cancelled(cluster, tiled, undisturbed):
    with frozen_in_training(cluster, tiled) as (run, job):
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        # SLURM's job knows nothing of that.
        assert cluster.running("train_head") == [job]
        log = (tiled.folder / "run.log").read_text()
        cluster.ask("scancel", "--name", re.search(r"SLURM run ID: (\S+)", log)[1])
        wait_for(lambda: not cluster.ask("squeue", "--noheader"), "the job was not cancelled")
    tiled.run("--unlock")
    tiled.run(MODEL)
    assert_went_on(tiled, undisturbed)


def test_ctrl_c_cancels_the_jobs_and_the_next_run_goes_on(cluster, tiled, undisturbed):
    before = len(cluster.submissions())
    two = ("--set-resources", "train_head:gpu=2")
    with frozen_in_training(cluster, tiled, *two) as (run, job):
        assert asked_by(cluster, "train_head", "--gpus", before) == ["2"]
        # The training takes all devices that it is shown; see `count_devices`.
        seen = [environment_of(one).get("CUDA_VISIBLE_DEVICES") for one in processes_of(job)]
        assert "0,1" in seen
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(PATIENCE) != 0
        wait_for(lambda: not cluster.ask("squeue", "--noheader"), "the job was not cancelled")
    log = (tiled.folder / "run.log").read_text()
    assert "Terminating processes on user request" in log
    assert "Traceback" not in log
    tiled.run(MODEL)
    assert_went_on(tiled, undisturbed)


def test_a_full_disk_leaves_no_half_store(cluster, undisturbed, tmp_path):
    study = cluster.study(copied(undisturbed, tmp_path / "study"))
    tiles = study.results / "tiles"
    manifest, store = "region/.batches/P001-1.json", "region/P001-1.zarr/zarr.json"
    subprocess.run(["rm", "-r", tiles], check=True)
    tiles.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tiles], check=True)
    try:
        done = study.run(f"results/demo/tiles/{manifest}", "--retries", "0", succeed=False)
        assert "No space left on device" in done.stdout + done.stderr
        # Neither the store nor what it was written to before it would have been named so.
        assert not [path for path in tiles.rglob("*") if path.is_file()]
        subprocess.run(["mount", "-o", "remount,size=1g", tiles], check=True)
        here(study).run(f"results/demo/tiles/{manifest}", *TARGETS)
        assert sha256(tiles / store) == sha256(undisturbed.results / "tiles" / store)
        assert_same_results(study, undisturbed)
    finally:
        subprocess.run(["umount", "--lazy", tiles], check=True)


def test_of_two_runs_at_once_the_second_is_turned_away(cluster, new_study, undisturbed, tmp_path):
    study = cluster.study(copied(new_study, tmp_path / "study"))
    target = "results/demo/cohort/split.parquet"
    with cluster.started(study, target) as first:
        locks = study.folder / ".snakemake" / "locks"
        wait_for(lambda: list(locks.glob("*")), "the first locked nothing", first)
        second = study.run(target, succeed=False)
        assert "cannot be locked" in second.stdout + second.stderr
        assert_ended_well(first, study)
    split = Path(target).relative_to("results/demo")
    assert_frame_equal(read_table(study.results / split), read_table(undisturbed.results / split))
