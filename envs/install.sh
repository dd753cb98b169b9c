#!/bin/sh
# What an image holds: one environment, hash by hash as its lock says, in /opt/histoniche.
# Both definitions run this while they build: container.def (Apptainer) and Containerfile (Docker,
# Podman). Needs Python 3.11 with venv in the base.
#
#   install.sh NAME FOLDER    NAME is imaging or analysis; FOLDER holds its lock and bootstrap.txt
set -eu
name=$1
folder=$2
bin=/opt/histoniche/bin

python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "error: the base has no Python 3.11; name another as BASE")'
python3 -m venv /opt/histoniche
"$bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --requirement "$folder/bootstrap.txt"
# Compiled now, since an image is read-only and every job imports anew.
"$bin/uv" pip install --quiet --no-cache --system-certs --python "$bin/python" --compile-bytecode --require-hashes \
    --requirement "$folder/$name.lock"
"$bin/uv" pip uninstall --quiet --python "$bin/python" uv
