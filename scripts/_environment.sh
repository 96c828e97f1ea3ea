# Sourced by the scripts beside it: finds Python, makes .venv, installs the package. Safe to run twice.
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"  # TensorFlow's start-up chatter

# make_environment [EXTRA]: .venv with the package, and the extra's requirements
make_environment() {
  local extra="${1:+[$1]}" stamp=".venv/.installed-${1:-package}"
  if ! environment_is_whole; then
    local python
    python=$(command -v python3.11 || command -v python3 || true)
    if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "Python 3.11 or newer is needed, and was not found. Install it, then run this again." >&2
      exit 1
    fi
    echo "Making the environment .venv with $("$python" --version)."
    "$python" -m venv --clear .venv
  fi
  if [ ! -s "$stamp" ] || [ setup.py -nt "$stamp" ]; then
    echo "Installing keras_musictag$extra and what it needs into .venv; the first time takes minutes."
    # compat: the plain way to be editable. With the other, Python takes a folder of the same name, such as a clone
    # called keras_musictag seen from above, for the package
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
      --config-settings editable_mode=compat --editable ".$extra"
    echo "$PWD" > "$stamp"
  fi
}

# Whether .venv is there, was not broken off while it was made, and belongs to this folder: it does not bear moving.
environment_is_whole() {
  [ -x .venv/bin/python ] || return 1
  local folders  # where packages were installed, if they were
  folders=$(cat .venv/.installed-* 2>/dev/null || true)
  if [ -z "$folders" ]; then
    .venv/bin/python -m pip --version > /dev/null 2>&1
  else
    ! grep --quiet --invert-match --line-regexp --fixed-strings -e "$PWD" <<< "$folders"
  fi
}
