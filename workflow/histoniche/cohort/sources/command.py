"""What `histoniche cohort` and `histoniche fetch` do."""

import os
import shlex
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from histoniche.cohort.schemas import nearest
from histoniche.cohort.sources import cbioportal, gdc, ivygap
from histoniche.cohort.sources.answers import is_address
from histoniche.cohort.sources.cohort_files import (
    command,
    stream_command,
    study_config,
    write_cohort,
)
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.credentials import read_token
from histoniche.cohort.sources.derivation import derive
from histoniche.cohort.sources.fetching import estimate, fetch, human
from histoniche.cohort.sources.gathering import Gathered, Services
from histoniche.cohort.sources.gdc_cohort import gather_gdc
from histoniche.cohort.sources.ivygap_cohort import gather_ivygap
from histoniche.cohort.sources.pacing import Bandwidth, Limits
from histoniche.cohort.sources.recipes import adapted, find_recipe, read_recipe
from histoniche.cohort.sources.records import WANTED, read_wanted, verify, write_fetched
from histoniche.errors import InputError
from histoniche.wording import count

TOKEN_VARIABLE, GDC_VARIABLE = "HISTONICHE_TOKEN", "HISTONICHE_GDC"
"""Environment variables that name the file with a token, and the address of the service that the
token is for if it is not the GDC's own, for the rules of the workflow."""

ADDRESSES = {
    "gdc": gdc.BASE,
    "cbioportal": cbioportal.BASE,
    "ivygap": ivygap.BASE,
    "ivygap-portal": ivygap.PORTAL,
}
"""Addresses of the services by their names."""


def read_addresses(given: Sequence[str]) -> dict[str, str]:
    """Addresses of the services, some of them given as NAME=ADDRESS.

    Raises
    ------
    InputError
        If a name is unknown, or an address is none.
    """
    addresses = dict(ADDRESSES)
    for text in given:
        name, _, address = text.partition("=")
        if name not in ADDRESSES:
            raise InputError("no such service", value=text, remedy=nearest(name, ADDRESSES))
        if not is_address(address):
            raise InputError("no address", value=text, remedy="write NAME=https://...")
        addresses[name] = address
    return addresses


def make_cohort(
    name: str,
    folder: Path,
    *,
    addresses: Mapping[str, str],
    connection: Connection,
    frozen: bool = False,
    without: Collection[str] = (),
    keep_slides: bool = True,
    dry_run: bool = False,
) -> list[str]:
    """Gather a cohort and write its folder.

    Parameters
    ----------
    name
        A shipped recipe, or a file.
    folder
        Where the cohort goes.
    addresses
        Of the services; see `ADDRESSES`.
    connection
        To them.
    frozen
        Whether frozen sections are taken beside the recipe's.
    without
        Labels of the recipe that are left out.
    keep_slides
        Whether slides stay after they were tiled.
    dry_run
        Whether only to say what would be.

    Returns
    -------
    Lines for a person: counts, what fetching takes, warnings, and what to do next.

    Raises
    ------
    InputError
        If the recipe, a service or an answer does not fit.
    """
    recipe = adapted(read_recipe(find_recipe(name)), frozen=frozen, without=without)
    services = Services(
        gdc.Gdc(connection, addresses["gdc"]),
        cbioportal.CBioPortal(connection, addresses["cbioportal"]),
        ivygap.IvyGap(connection, addresses["ivygap"], addresses["ivygap-portal"]),
    )
    with _place(folder, dry_run=dry_run) as place:
        if recipe["source"] == "gdc":
            cohort = gather_gdc(recipe, services, folder)
        else:
            cohort = gather_ivygap(recipe, services, place, connection)
        lines = _counted(cohort)
        lines += _space(cohort, place, keep_slides=keep_slides)
        lines += [f"note: {one}" for one in (*cohort.warnings, *_controlled(cohort))]
        if dry_run:
            study_config(recipe, cohort, folder, keep_slides=keep_slides)
            return lines
        said = write_cohort(recipe, cohort, folder, keep_slides=keep_slides)
        lines += [f"note: {warning}" for warning in said]
    fetching = f"histoniche fetch {shlex.quote(str(folder))}"
    begin = fetching if keep_slides else stream_command(recipe, folder)
    return [*lines, f"next: {begin}", f"then: {command(recipe, folder)}"]


def fetch_cohort(
    folder: Path,
    *,
    addresses: Mapping[str, str],
    token: Path | None = None,
    parallel: int = 4,
    megabytes_per_s: float | None = None,
    only: Sequence[str] = (),
) -> list[str]:
    """Fetch what a cohort names, and make what is made of it.

    Parameters
    ----------
    folder
        Of the cohort.
    addresses
        Of the services; the token is for the GDC alone.
    token
        File with a token for controlled files.
    parallel, megabytes_per_s
        How many files at once, and how fast all of them together.
    only
        Folders below the cohort's that are fetched, such as `expression`; all if empty.

    Returns
    -------
    Lines for a person.
    """
    remotes = read_wanted(folder / WANTED)
    known = {Path(remote.path).parts[0] for remote in remotes}
    for part in only:
        if part not in known:
            raise InputError("nothing to fetch there", value=part, remedy=nearest(part, known))
    wanted = [one for one in remotes if not only or Path(one.path).parts[0] in only]
    connection = connect(token, addresses)
    rate = None if megabytes_per_s is None else megabytes_per_s * 1e6
    try:
        done = fetch(wanted, folder, connection, limits=Limits(parallel, Bandwidth(rate)))
    finally:
        # What came before a failure is noted too.
        write_fetched(folder)
    made = derive(folder)
    return [f"ok: {len(done)} files fetched", *(f"made {place}" for place in made)]


def fetch_some(
    folder: Path,
    paths: Collection[str],
    *,
    kilobytes_per_s: int = 0,
) -> None:
    """Fetch some files of a cohort by their places, as rules do, and make what is made of them.

    `kilobytes_per_s` limits all of them together; 0 for no limit. The file with the GDC's token
    is named by the environment variable HISTONICHE_TOKEN, so that neither a command line nor the
    records of a run hold it; it goes to the GDC alone, or to the service at HISTONICHE_GDC.
    """
    wanted = [one for one in read_wanted(folder / WANTED) if one.path in paths]
    token = os.environ.get(TOKEN_VARIABLE)
    # Where a token goes a person says, never the list of files.
    home = os.environ.get(GDC_VARIABLE, ADDRESSES["gdc"])
    connection = connect(Path(token) if token else None, {"gdc": home})
    limits = Limits(bandwidth=Bandwidth(1000 * kilobytes_per_s or None))
    fetch(wanted, folder, connection, limits=limits)
    derive(folder, of=paths)


def connect(token: Path | None, addresses: Mapping[str, str]) -> Connection:
    """A connection, with the token in a file for the GDC if one is given."""
    if token is None:
        return Connection()
    return Connection(token=read_token(token), token_base=addresses["gdc"])


class Verified(NamedTuple):
    """What of a cohort's files is here, by all their bytes."""

    problems: list[str]
    """Files that are missing or changed since they were fetched, in words."""
    coming: int
    """Files that never came yet."""

    @property
    def words(self) -> str:
        """One line for a person, if there is no problem."""
        more = f", and {count(self.coming, 'file')} never came yet" if self.coming else ""
        return f"all is as it came{more}"


def verify_cohort(folder: Path) -> Verified:
    """Compare the files of a cohort with what they were when they came."""
    wanted = read_wanted(folder / WANTED)
    problems = verify(folder)
    came = {row.path for row in write_fetched(folder)}
    return Verified(problems, sum(one.path not in came for one in wanted))


@contextmanager
def _place(folder: Path, *, dry_run: bool) -> Iterator[Path]:
    """The cohort's folder, or one that is gone afterwards."""
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def _space(cohort: Gathered, folder: Path, *, keep_slides: bool) -> list[str]:
    """What fetching takes, and what to do if the disk has no room for it."""
    slides = [one for one in cohort.remotes if one.path.startswith("slides/")]
    others = [one for one in cohort.remotes if not one.path.startswith("slides/")]
    expected = estimate(cohort.remotes if keep_slides else others, folder)
    lines = [expected.words]
    if not keep_slides:
        size = human(sum(one.size or 0 for one in slides))
        lines.append(f"{count(len(slides), 'slide')} ({size}) pass through, a few at a time")
    if expected.size > expected.free:
        remedy = "--no-keep-slides has slides pass through" if keep_slides else "make room"
        lines.append(f"note: there is no room for {human(expected.size)}: {remedy}")
    return lines


def _controlled(cohort: Gathered) -> list[str]:
    """That files need a token, if any do."""
    number = sum(remote.controlled for remote in cohort.remotes)
    said = f"{count(number, 'controlled file')}: histoniche fetch needs --token FILE"
    return [said] if number else []


def _counted(cohort: Gathered) -> list[str]:
    """The flow in words."""
    lines = []
    for one in cohort.flow.counts:
        numbers = [
            count(number, what)
            for number, what in ((one.slides, "slide"), (one.patients, "patient"))
            if number is not None
        ]
        indent, text = {
            "kept": ("", one.step),
            "left out": ("  left out: ", one.reason),
            "of these": ("  ", one.step),
        }[one.role]
        lines.append(f"{indent}{text}: {' of '.join(numbers)}")
    return lines
