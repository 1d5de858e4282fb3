#!/usr/bin/env bash
# Makes .venv with exactly the locked packages and the project itself, editable.
# PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "error: $*" >&2
    exit 1
}

# version_between PYTHON LOW HIGH: does it run, with LOW <= version < HIGH?
version_between() {
    "$1" -c "import sys; sys.exit(not $2 <= sys.version_info[:2] < $3)" 2>/dev/null
}

find_python() {
    local candidate
    # First the versions for which every locked package has a wheel: no compiler is needed there.
    for candidate in python3 python3.13 python3.12 python3.11; do
        if version_between "$candidate" "(3, 11)" "(3, 14)"; then
            echo "$candidate"
            return
        fi
    done
    if version_between python3 "(3, 11)" "(4, 0)"; then
        echo "note: this python3 is newer than 3.13; some packages may have to be compiled" >&2
        echo python3
        return
    fi
    fail "Python 3.11 or newer is needed and was not found; install it, or run: make install PYTHON=/path/to/python3"
}

python=${PYTHON:-$(find_python)}
version_between "$python" "(3, 11)" "(4, 0)" ||
    fail "PYTHON=$python is not a Python of version 3.11 or newer"

# Debian splits these out of the interpreter's package, and `-m venv` would leave half an environment.
"$python" -c "import ensurepip, venv" 2>/dev/null ||
    fail "$python lacks the venv module; on Debian and Ubuntu: apt install python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"

# An environment whose interpreter has gone, or that another one made, cannot be repaired in place.
base_of='import sys; print(sys.base_prefix, sys.version)'
if [ "$(.venv/bin/python -c "$base_of" 2>/dev/null || true)" != "$("$python" -c "$base_of")" ] ||
    ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"
}

# --no-deps: the lock is complete, so that nothing may be resolved at install time.
# --no-compile: byte code is made for what is imported, which halves the first install.
pip install --quiet --no-deps --no-compile --require-hashes -r requirements.lock
# The build backend is in the lock too: without isolation it comes from there, and no index is asked.
pip install --quiet --no-deps --no-index --no-build-isolation --editable .
pip check
