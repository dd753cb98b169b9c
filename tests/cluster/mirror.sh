# Sourced by the other scripts: the mirror of Debian that this machine's sources name.
mirror_of_debian() {
  local mirrors
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' | sed -n '/\/debian\/*$/p')
  [[ $mirrors ]] || { echo "error: this machine names no mirror of Debian in its sources" >&2; return 1; }
  echo "${mirrors%%$'\n'*}"
}
