"""What the locks of the environments pin."""

import re

from packaging.requirements import Requirement

from study import CHECKOUT

ENVS = CHECKOUT / "envs"
PIN = re.compile(r"^([a-z0-9_.-]+==[^\s;\\]+)( ; [^\\]+?)?\s*\\?$", re.MULTILINE)


def pins(name: str) -> list[str]:
    """Lines of a lock without their hashes, such as `zarr==3.1.6 ; python_version < "3.12"`."""
    return [pin + mark for pin, mark in PIN.findall((ENVS / f"{name}.lock").read_text())]


def versions(name: str) -> dict[str, str]:
    """Version of each package that a lock installs beside this Python."""
    wanted = [Requirement(pin) for pin in pins(name)]
    return {
        one.name: str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }
