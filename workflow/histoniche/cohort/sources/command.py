"""What `histoniche cohort` and `histoniche fetch` do."""

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from histoniche.cohort.schemas import nearest
from histoniche.cohort.sources import cbioportal, gdc, ivygap
from histoniche.cohort.sources.answers import is_address
from histoniche.cohort.sources.cohort_files import command, study_config, write_cohort
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.credentials import read_token
from histoniche.cohort.sources.decisions import in_words
from histoniche.cohort.sources.derivation import derive
from histoniche.cohort.sources.fetching import check_room, estimate, fetch
from histoniche.cohort.sources.gathering import Gathered, Services
from histoniche.cohort.sources.gdc_cohort import gather_gdc
from histoniche.cohort.sources.ivygap_cohort import gather_ivygap
from histoniche.cohort.sources.pacing import Bandwidth, Limits
from histoniche.cohort.sources.recipes import find_recipe, read_recipe
from histoniche.cohort.sources.records import WANTED, read_wanted, verify, write_fetched
from histoniche.errors import InputError

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
    dry_run
        Whether only to say what would be.

    Returns
    -------
    Lines for a person: counts, what fetching takes, warnings, and what to do next.

    Raises
    ------
    InputError
        If the recipe, a service or an answer does not fit, or the disk has no room.
    """
    recipe = _adapted(read_recipe(find_recipe(name)), frozen=frozen, without=without)
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
        expected = estimate(cohort.remotes, place)
        lines.append(expected.words)
        lines += [f"note: {one}" for one in (*cohort.warnings, *_controlled(cohort))]
        if dry_run:
            study_config(recipe, cohort, folder)
            return lines
        check_room(expected, place)
        lines += [f"note: {warning}" for warning in write_cohort(recipe, cohort, folder)]
    lines += [f"next: histoniche fetch {folder}", f"then: {command(recipe, folder)}"]
    return lines


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


def verify_cohort(folder: Path) -> list[str]:
    """Files that are missing or changed since they were fetched, in words."""
    read_wanted(folder / WANTED)
    return verify(folder)


def _adapted(recipe: dict[str, Any], *, frozen: bool, without: Collection[str]) -> dict[str, Any]:
    """A recipe with what the command line changes of it."""
    if frozen:
        if "slides" not in recipe:
            remedy = "leave --frozen away"
            raise InputError("the recipe has no slides", value=recipe["name"], remedy=remedy)
        types = dict.fromkeys([*recipe["slides"]["section_types"], "frozen"])
        recipe = {**recipe, "slides": {**recipe["slides"], "section_types": list(types)}}
    for label in without:
        if label not in recipe["labels"]:
            remedy = nearest(label, recipe["labels"])
            raise InputError("the recipe has no such label", value=label, remedy=remedy)
    labels = {name: entry for name, entry in recipe["labels"].items() if name not in without}
    return {**recipe, "labels": labels, "config": _without(recipe["config"], set(without))}


def _without(config: Mapping[str, Any], labels: Collection[str]) -> dict[str, Any]:
    """A recipe's configuration without what goes by some labels."""
    curves, traits = config.get("survival_curves", {}), config.get("traits", {})
    changed = dict(config)
    if "groups" in curves:
        groups = [name for name in curves["groups"] if name not in labels]
        orders = {name: order for name, order in curves.get("orders", {}).items() if name in groups}
        changed["survival_curves"] = {**curves, "groups": groups, "orders": orders}
    models = config.get("survival_models", {}).get("models", {})
    if models:
        # A model without one of its covariates would be another model.
        own = {
            name: model
            for name, model in models.items()
            if not set(labels).intersection(model["covariates"])
        }
        changed["survival_models"] = {**config["survival_models"], "models": own}
        if not own:
            del changed["survival_models"]
    if "named" in traits:
        named = {name: trait for name, trait in traits["named"].items() if name not in labels}
        changed["traits"] = {**traits, "named": named}
    return changed


@contextmanager
def _place(folder: Path, *, dry_run: bool) -> Iterator[Path]:
    """The cohort's folder, or one that is gone afterwards."""
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def _controlled(cohort: Gathered) -> list[str]:
    """That files need a token, if any do."""
    number = sum(remote.controlled for remote in cohort.remotes)
    said = f"{in_words(number, 'controlled file')}: histoniche fetch needs --token FILE"
    return [said] if number else []


def _counted(cohort: Gathered) -> list[str]:
    """The flow in words."""
    lines = []
    for count in cohort.flow.counts:
        numbers = [
            in_words(number, what)
            for number, what in ((count.slides, "slide"), (count.patients, "patient"))
            if number is not None
        ]
        indent, text = {
            "kept": ("", count.step),
            "left out": ("  left out: ", count.reason),
            "of these": ("  ", count.step),
        }[count.role]
        lines.append(f"{indent}{text}: {' of '.join(numbers)}")
    return lines
