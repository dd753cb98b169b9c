"""The cluster: whether every job that the profile will submit finds a node that can run it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import yaml

from histoniche.doctor.findings import Finding, Level
from histoniche.doctor.nodes import Node, read_nodes
from histoniche.doctor.requests import Request, read_requests
from histoniche.errors import InputError

_NAMES = ("config.v9+.yaml", "config.v8+.yaml", "config.yaml")
# What a profile has to say so that a rule asks for less.
_KEYS = {
    "cpus": "set-threads: {{{rule}: {most}}}",
    "mem_mb": "set-resources: {{{rule}: {{mem_mb: {most}}}}}",
    "gpus": "set-resources: {{{rule}: {{gpu: {most}}}}}",
    "minutes": "set-resources: {{{rule}: {{runtime: {most}}}}}",
}
_UNITS = {"cpus": "CPUs", "mem_mb": "MB", "gpus": "GPUs", "minutes": "minutes"}


def read_profile(folder: Path) -> dict[str, Any]:
    """Settings of a profile of Snakemake.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    for name in _NAMES:
        if (folder / name).is_file():
            return yaml.safe_load((folder / name).read_text(encoding="utf-8")) or {}
    raise InputError("no profile here", file=folder, remedy="name a folder with a config.yaml")


class Cluster(NamedTuple):
    """Partitions as they are, and as the profile describes them."""

    nodes: Mapping[str, Sequence[Node]]
    """Nodes that are up, by partition."""
    partitions: Sequence[Any]
    """What SLURM's plugin chooses from; empty where the profile leaves the choice to SLURM."""
    default: str

    def home(self, request: Request) -> str | None:
        """The partition that SLURM's plugin sends a job to; None if none takes it."""
        if request.partition:
            return request.partition
        if not self.partitions:
            return self.default
        from snakemake_executor_plugin_slurm.partitions import get_best_partition  # noqa: PLC0415

        resources = {"mem_mb": request.mem_mb, "runtime": request.minutes, "gpu": request.gpus}
        job = SimpleNamespace(name=request.rule, threads=request.cpus, resources=resources)
        quiet = logging.Logger("partitions", logging.CRITICAL)
        return get_best_partition(list(self.partitions), job, quiet)

    def obstacle(self, request: Request) -> tuple[str, str] | None:
        """Why a job would wait for ever, and what to do; None if a node can run it."""
        home = self.home(request)
        if home is None:
            return (
                "no partition of the profile takes it",
                "raise the profile's limits, or ask for less",
            )
        nodes = self.nodes.get(home)
        # Partitions that are missing or down have lines of their own.
        lacking = min((_lacks(request, node) for node in nodes), key=len) if nodes else {}
        if not lacking:
            return None
        most = ", ".join(f"{amount:g} {_UNITS[name]}" for name, amount in lacking.items())
        keys = [_KEYS[name].format(rule=request.rule, most=f"{n:g}") for name, n in lacking.items()]
        return (
            f"partition {home} has at most {most}, so that it would wait for ever",
            f"write {' and '.join(keys)} in the profile, or choose another partition",
        )


def _lacks(request: Request, node: Node) -> dict[str, float]:
    """What a job asks for beyond a node, with what the node has."""
    return {
        name: getattr(node, name) for name in _UNITS if getattr(request, name) > getattr(node, name)
    }


def check_cluster(checkout: Path, *, config: Path, profile: Path, scratch: Path) -> list[Finding]:
    """Compare what the rules ask for with the nodes of the partitions that they go to.

    Parameters
    ----------
    checkout, config, profile, scratch
        As for `read_requests`.

    Raises
    ------
    InputError
        If SLURM, the profile or the workflow cannot be read.
    """
    settings = read_profile(profile)
    nodes, default = read_nodes()
    cluster = Cluster(nodes, _partitions(settings, profile), default)
    tries = int(settings.get("retries", 0)) + 1
    places = {"config": config, "profile": profile, "scratch": scratch}
    last = read_requests(checkout, attempt=tries, **places)
    waiting = {one.rule: one for one in last if cluster.obstacle(one)}
    # What fits in its last try, in which it asks for most, fits in its first.
    first = read_requests(checkout, attempt=1, **places) if waiting and tries > 1 else last
    findings = [*_check_partitions(cluster, last)]
    for early in first:
        if cluster.obstacle(early):
            findings.append(_finding(cluster, early, "wrong", early.rule))
        elif early.rule in waiting:
            which = f"try {tries} of {early.rule}"
            findings.append(_finding(cluster, waiting[early.rule], "warn", which))
    fitting = len(last) - len(waiting)
    return [*findings, Finding("ok", f"{fitting} of {len(last)} rules can be run in every try")]


def _partitions(settings: Mapping[str, Any], profile: Path) -> list[Any]:
    """Partitions that the profile describes, as SLURM's plugin reads them."""
    named = settings.get("slurm-partition-config")
    if named is None:
        return []
    # As Snakemake does, first beside the profile.
    path = profile / named if (profile / named).is_file() else Path(named)
    try:
        # The plugin looks for SLURM when it is imported, so only where there is one.
        from snakemake_executor_plugin_slurm.partitions import read_partition_file  # noqa: PLC0415

        return list(read_partition_file(path))
    except Exception as error:
        raise InputError(
            f"the profile's partitions cannot be read: {error}",
            file=path,
            remedy="mend the profile",
        ) from error


def _check_partitions(cluster: Cluster, requests: Sequence[Request]) -> Iterator[Finding]:
    """Whether the partitions that jobs go to exist and have nodes."""
    named = {one.name for one in cluster.partitions} | {one.partition for one in requests} - {""}
    for name in sorted(named):
        if name not in cluster.nodes:
            known = ", ".join(sorted(cluster.nodes))
            yield Finding("wrong", f"no partition {name} here", f"the profile can name {known}")
        elif not cluster.nodes[name]:
            yield Finding("warn", f"no node of partition {name} is up", "ask why")
        else:
            cpus, memory, gpus, _ = max(cluster.nodes[name])
            yield Finding(
                "ok",
                f"partition {name}: {len(cluster.nodes[name])} nodes up, the largest with "
                f"{cpus} CPUs, {memory} MB, {gpus} GPUs",
            )


def _finding(cluster: Cluster, request: Request, level: Level, which: str) -> Finding:
    """The line on a rule whose jobs would wait for ever."""
    problem, remedy = cluster.obstacle(request) or ("", "")
    asked = (
        f"{request.cpus} CPUs, {request.mem_mb} MB, {request.gpus} GPUs, {request.minutes} minutes"
    )
    return Finding(level, f"{which} asks for {asked}: {problem}", remedy)
