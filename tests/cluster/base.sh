#!/usr/bin/env bash
# A root file system with Python 3.11 to build images from, where no hub can be reached.
#
#   tests/cluster/base.sh FOLDER    it lies in FOLDER/root
#
# What Debian 12 needs at least, by debootstrap, which is unpacked and not installed. Needs root, apt
# and wget.
set -euo pipefail

source "$(dirname "$0")/apt.sh"
folder=$(only_folder "$@")
[[ -x $folder/root/usr/bin/python3.11 ]] && exit

cd "$folder"
apt update
mirror=$(mirror_of_debian)
apt download debootstrap
dpkg -x debootstrap_*.deb tools
DEBOOTSTRAP_DIR=$folder/tools/usr/share/debootstrap tools/usr/sbin/debootstrap --variant=minbase --force-check-gpg \
  --include=python3,python3-venv,ca-certificates bookworm "$folder/root" "$mirror" >debootstrap.log
# Containers have devices of their own, and not everybody may copy these.
rm -rf root/dev/*
