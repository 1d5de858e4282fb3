#!/usr/bin/env bash
# Makes .venv-NAME with the locked packages of contracts/analysis/NAME.lock, beside the project's own:
#     scripts/analysis_env.sh slither
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
lock=contracts/analysis/$name.lock
env=.venv-$name
if [ ! "$env/.installed" -nt "$lock" ]; then
    .venv/bin/python -m venv --clear "$env"
    "$env/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps --require-hashes -r "$lock"
    touch "$env/.installed"
fi
