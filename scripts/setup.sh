#!/usr/bin/env bash
# Make the environment: .venv with locked packages and the `voice-agent` command.
# Usage: scripts/setup.sh runtime|dev     (PYTHON=python3.13 chooses another interpreter)
set -euo pipefail
cd "$(dirname "$0")/.."
kind="${1:-runtime}"
python="${PYTHON:-python3}"
stamp=".venv/.${kind}-ready"
lock="requirements/${kind}.lock"

fingerprint() { cat "$lock" pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1; }
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then exit 0; fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
  echo "Python 3.11 or newer is needed; none is called '$python'. Name one: make run PYTHON=python3.13" >&2
  exit 1
}
case "$version" in
  3.11 | 3.12 | 3.13) ;;
  3.14) echo "note: pocketsphinx has no wheel for Python 3.14; it is built from source and needs gcc (apt-get install build-essential)." >&2 ;;
  *) echo "Python 3.11 or newer is needed; '$python' is $version. Name another: make run PYTHON=python3.13" >&2; exit 1 ;;
esac

if [ ! -x .venv/bin/python ]; then
  echo "Making .venv with Python $version …"
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    rm -rf .venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "Installing python${version}-venv, which Debian keeps apart from Python …"
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python${version}-venv" >/dev/null 2>&1
      "$python" -m venv .venv
    else
      echo "Python's venv module is missing. Run once:  sudo apt-get install python3-venv" >&2
      exit 1
    fi
  fi
fi
echo "Installing locked packages ($kind) …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes -r "$lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps -e .
fingerprint >"$stamp"
echo "Ready."
