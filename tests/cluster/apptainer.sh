#!/usr/bin/env bash
# Apptainer in a folder of its own, for the tests on any Debian or Ubuntu machine of x86-64.
#
#   tests/cluster/apptainer.sh FOLDER    its programs lie in FOLDER/bin
#
# Debian's stable releases have no package of it: it comes from unstable, from the mirror of Debian in
# the machine's sources or DEBIAN_MIRROR, with the few libraries that it needs, all unpacked and not
# installed. Needs apt, and root to run containers without user namespaces.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source "$here/apt.sh"
folder=$(only_folder "$@")
root=$folder/root

fetch() {
  local mirror unstable
  mkdir -p "$folder/unstable/lists/partial" "$folder/unstable/cache/archives/partial" "$folder/packages"
  apt update
  mirror=$(mirror_of_debian)
  echo "deb $mirror sid main" >"$folder/unstable/sources.list"
  unstable=(
    -o Dir::Etc::SourceList="$folder/unstable/sources.list"
    -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$folder/unstable/lists"
    -o Dir::Cache="$folder/unstable/cache"
  )
  apt "${unstable[@]}" update
  cd "$folder/packages"
  apt "${unstable[@]}" download apptainer libc6 libseccomp2 libsqlite3-0 libgcc-s1
  # Of the machine's own release, so that its libraries fit.
  apt download patchelf
}

unpack() {
  local package libraries loader program
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$root"; done
  libraries=$root/usr/lib/x86_64-linux-gnu
  loader=$(find "$root" -name 'ld-linux-x86-64.so.2' | head -1)
  for program in "$root/usr/bin/apptainer" "$libraries/apptainer/bin/starter"; do
    "$root/usr/bin/patchelf" --force-rpath --set-rpath "$libraries" --set-interpreter "$loader" "$program"
  done
  # It finds its own files from where it lies: the program above /usr, its starter above /usr/lib.
  mv "$root/etc" "$root/usr/etc"
  mkdir -p "$root/usr/lib/var/lib/apptainer/mnt/session"
  # Its starter looks for them beside itself when it builds.
  ln -s ../etc "$root/usr/lib/etc"
  # A root shell in a container may lack a capability that it asks for by default.
  sed -i 's/^root default capabilities.*/root default capabilities = no/' "$root/usr/etc/apptainer/apptainer.conf"
  mkdir -p "$folder/bin"
  sed "s|@PROGRAM@|$root/usr/bin/apptainer|" "$here/with_capabilities.sh" >"$folder/bin/apptainer"
  chmod +x "$folder/bin/apptainer"
}

if [[ ! -x $folder/bin/apptainer ]]; then
  fetch
  unpack
fi
"$folder/bin/apptainer" --version
