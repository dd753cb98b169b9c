# Sourced by the other scripts: apt, and the mirror of Debian that this machine's sources name.

# One call at a time, since several clusters may come up at once and apt does not wait.
apt() { flock "${TMPDIR:-/tmp}/histoniche-apt.lock" apt-get -qq -o APT::Sandbox::User=root "$@"; }

mirror_of_debian() {
  local mirrors
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' | sed -n '/\/debian\/*$/p')
  [[ $mirrors ]] || { echo "error: this machine names no mirror of Debian in its sources" >&2; return 1; }
  echo "${mirrors%%$'\n'*}"
}
