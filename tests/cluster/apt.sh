# Sourced by the other scripts: their folder, apt, and the mirror of Debian in this machine's sources.

# The folder that a script has for its only argument, made and by its whole path; or its usage, line 4.
only_folder() {
  [[ $# == 1 ]] || { sed -n '4s/^# *//p' "$0" >&2; return 2; }
  mkdir -p "$1"
  (cd "$1" && pwd)
}

# One call at a time, since several clusters may come up at once. Of others on this machine apt waits for
# those that install, but not for those that fetch lists.
apt() {
  local said
  for _ in {1..60}; do
    said=$(flock /run/lock/histoniche-apt apt-get -qq -o APT::Sandbox::User=root \
      -o DPkg::Lock::Timeout=300 "$@" 2>&1) && return
    [[ $said == *"Could not get lock"* ]] || break
    sleep 5
  done
  echo "$said" >&2
  return 1
}

mirror_of_debian() {
  local mirrors
  if [[ ${DEBIAN_MIRROR:-} ]]; then echo "$DEBIAN_MIRROR"; return; fi
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' | sed -n '/\/debian\/*$/p')
  [[ $mirrors ]] || { echo "error: this machine names no mirror of Debian in its sources; set DEBIAN_MIRROR to one" >&2; return 1; }
  echo "${mirrors%%$'\n'*}"
}
