# Sourced by the other scripts: finds Python, makes .venv, installs the package. Safe to run twice.
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"  # hides the log lines of TensorFlow's start

# make_environment [EXTRA]: makes .venv with the package and the requirements of the extra
make_environment() {
  local extra="${1:+[$1]}" stamp=".venv/.installed-${1:-package}"
  if ! environment_is_whole; then
    local python
    python=$(command -v python3.11 || command -v python3 || true)
    if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "Python 3.11 or newer is required but was not found. Install it, then run this again." >&2
      exit 1
    fi
    echo "Making the environment .venv with $("$python" --version)."
    "$python" -m venv --clear .venv
  fi
  if [ ! -s "$stamp" ] || [ setup.py -nt "$stamp" ]; then
    echo "Installing keras_musictag$extra and its requirements into .venv; the first time takes a few minutes."
    # compat: a plain editable installation. With the other kind, Python may mistake a folder of the same name, such as
    # a clone called keras_musictag in the working directory, for the package
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
      --config-settings editable_mode=compat --editable ".$extra"
    echo "$PWD" > "$stamp"
  fi
}

# Whether .venv exists, is complete and belongs to this folder: it does not work after it was moved.
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
