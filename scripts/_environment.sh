# Sourced by the scripts beside it: finds Python, makes .venv, installs the package. Safe to run twice.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"  # TensorFlow's start-up chatter

# make_environment [EXTRA]: .venv with the package, and the extra's requirements
make_environment() {
  local extra="${1:+[$1]}" stamp=".venv/.installed-${1:-package}"
  if [ ! -x .venv/bin/python ]; then
    local python
    python=$(command -v python3.11 || command -v python3 || true)
    if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "Python 3.11 or newer is needed, and was not found. Install it, then run this again." >&2
      exit 1
    fi
    echo "Making the environment .venv with $("$python" --version)."
    "$python" -m venv .venv
  fi
  if [ ! -e "$stamp" ] || [ setup.py -nt "$stamp" ]; then
    echo "Installing keras_musictag$extra and what it needs into .venv; the first time takes minutes."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extra"
    touch "$stamp"
  fi
}
