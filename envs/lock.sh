#!/bin/sh
# Renew the locks and the conda environments from the lists of what is wanted (`make lock`).
# The development lock is resolved first; the others take their versions from it.
set -eu
cd "$(dirname "$0")"
uv=${UV:-uv}
options="--quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate"

"$uv" pip compile $options --generate-hashes dev.in -o dev.lock
for name in bench crate; do
    "$uv" pip compile $options --generate-hashes --no-deps --constraint dev.lock "$name.in" -o "$name.lock"
done
for name in imaging analysis viewer workflow; do
    "$uv" pip compile $options --generate-hashes --constraint dev.lock "$name.in" -o "$name.lock"
done
for name in imaging analysis viewer; do
    {
        echo "# Made from $name.lock by lock.sh; do not edit."
        echo "channels: [conda-forge]"
        echo "dependencies:"
        echo "  - python=3.11"
        echo "  - pip"
        echo "  - pip:"
        "$uv" pip compile $options --constraint dev.lock "$name.in" | sed 's/^/      - "/; s/ *$/"/; s/ ; / ; /'
    } >"$name.yaml"
done
