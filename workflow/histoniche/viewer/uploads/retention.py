"""Retention: slides that were sent, and what was found of them, are removed after a time."""

import shutil
from pathlib import Path

from histoniche.viewer.uploads.store import ENDED, State, Store

_REMOVABLE: tuple[State, ...] = ("receiving", *ENDED)


def remove(store: Store, folder: Path, upload: str) -> bool:
    """Remove an upload with all that was found of it; False if something works on it.

    Parameters
    ----------
    store
        The queue, which keeps a row without the name.
    folder
        Folder of all uploads.
    upload
        Its id, as the queue has it.
    """
    if not store.move(upload, *_REMOVABLE, to="expired"):
        return False
    store.forget(upload)
    shutil.rmtree(folder / upload, ignore_errors=True)
    return True


def expire(store: Store, folder: Path, *, before: float) -> None:
    """Remove uploads to which all happened before a time, and rows of those removed before it.

    Parameters
    ----------
    store, folder
        As for `remove`.
    before
        Seconds since 1970.
    """
    for upload in store.all():
        if upload.changed >= before:
            continue
        if upload.state == "expired":
            store.drop(upload.id)
            # What a kill left behind.
            shutil.rmtree(folder / upload.id, ignore_errors=True)
        else:
            remove(store, folder, upload.id)
