# Sourced by the other scripts: their folder, apt, and the mirror of Debian in this machine's sources.

# The folder that a script has for its only argument, made and by its whole path; or its usage, line 4.
only_folder() {
  [[ $# == 1 ]] || { sed -n '4s/^# *//p' "$0" >&2; return 2; }
  mkdir -p "$1"
  (cd "$1" && pwd)
}

# One call at a time, since several clusters may come up at once and apt does not wait.
apt() { flock /run/lock/histoniche-apt apt-get -qq -o APT::Sandbox::User=root "$@"; }

mirror_of_debian() {
  local mirrors
  if [[ ${DEBIAN_MIRROR:-} ]]; then echo "$DEBIAN_MIRROR"; return; fi
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' | sed -n '/\/debian\/*$/p')
  [[ $mirrors ]] || { echo "error: this machine names no mirror of Debian in its sources; set DEBIAN_MIRROR to one" >&2; return 1; }
  echo "${mirrors%%$'\n'*}"
}
