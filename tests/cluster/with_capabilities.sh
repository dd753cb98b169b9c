#!/usr/bin/env bash
# Apptainer, with every capability where it builds: it asks for all, of which root in a container may
# lack some. A user namespace in which each user is itself has them all.
set -euo pipefail
program=@PROGRAM@
[[ ${1-} == build ]] || exec "$program" "$@"

# Once the first line comes, the namespace has its users.
coproc inner { exec unshare --user --mount bash -c 'read -r && exec "$@" </dev/null >&2' - "$program" "$@"; }
until [[ $(readlink "/proc/$inner_PID/ns/user") != $(readlink /proc/self/ns/user) ]]; do sleep 0.05; done
for map in uid_map gid_map; do echo "0 0 65536" >"/proc/$inner_PID/$map"; done
echo >&"${inner[1]}"
wait "$inner_PID"
