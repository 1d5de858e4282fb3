#!/usr/bin/env bash
# One book and its digest under every interpreter and architecture at hand, and a table of what each
# computed. Fails on any difference from tests/vectors/digest.json. Needs the network once; Debian's apt-get for aarch64, which runs
# under qemu-user. Everything lies in build/crossarch; nothing is installed on the machine.
#     PYTHON313=/path/to/python3.13 scripts/crossarch.sh
set -euo pipefail
cd "$(dirname "$0")/.."

readonly place=$PWD/build/crossarch
readonly vector=$PWD/tests/vectors/digest.json
readonly without_numba=NUMBA_DISABLE_JIT=1
readonly plain_numba="NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES="

export PYTHONDONTWRITEBYTECODE=1
unset NUMBA_DISABLE_JIT NUMBA_CPU_NAME NUMBA_CPU_FEATURES NPY_DISABLE_CPU_FEATURES

say() { echo "crossarch: $*" >&2; }

fail() {
    echo "error: $*" >&2
    exit 1
}

# Installs what the digest needs from the lock: install VERSION PYTHON ARGUMENT...
install() {
    local version=$1 python=$2
    shift 2
    .venv/bin/python scripts/locked_requirements.py "$version" >"$place/requirements-$version.txt"
    "$python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps --no-compile \
        --only-binary=:all: --require-hashes -r "$place/requirements-$version.txt" "$@"
}

python313() {
    local candidate
    for candidate in "${PYTHON313:-}" python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13; do
        if [ -n "$candidate" ] && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

make_cpython313() {
    local stamp=$place/cpython313/.installed
    if [ ! "$stamp" -nt requirements.lock ]; then
        say "installing the lock for CPython 3.13"
        "$1" -m venv --clear "$place/cpython313"
        install 3.13 "$place/cpython313/bin/python"
        touch "$stamp"
    fi
}

# CPython 3.11 of Debian for arm64 and qemu for this machine, through lists of packages of our own.
make_aarch64() {
    local root=$place/aarch64 stamp=$place/aarch64/.installed apt=$place/aarch64/apt deb
    if [ "$stamp" -nt requirements.lock ]; then
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        fail "aarch64 needs apt-get and dpkg, as Debian has them"
    say "fetching CPython for arm64 and qemu-user"
    rm -rf "$root"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$root/sysroot" "$root/qemu"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "http://deb.debian.org/debian bookworm main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<-END
	APT::Architecture "arm64";
	APT::Architectures { "arm64"; "$(dpkg --print-architecture)"; };
	APT::Sandbox::User "$(id -un)";
	Acquire::Languages "none";
	Dir::State "$apt";
	Dir::State::lists "$apt/lists";
	Dir::State::status "$apt/status";
	Dir::Cache "$apt/cache";
	Dir::Etc::sourcelist "$apt/sources.list";
	Dir::Etc::sourceparts "-";
	END
    APT_CONFIG=$apt/apt.conf apt-get --quiet --quiet update
    APT_CONFIG=$apt/apt.conf apt-get --quiet --quiet --yes --no-install-recommends --download-only \
        install python3.11 libstdc++6 "qemu-user-static:$(dpkg --print-architecture)" >/dev/null
    for deb in "$apt"/cache/archives/*.deb; do
        case $deb in
        */qemu-user-static_*) dpkg -x "$deb" "$root/qemu" ;;
        *) dpkg -x "$deb" "$root/sysroot" ;;
        esac
    done
    say "fetching the lock's wheels for aarch64"
    install 3.11 .venv/bin/python --target "$root/site" --python-version 3.11 --implementation cp \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64
    touch "$stamp"
}

rows=()

# Writes the book and its digest with one interpreter: compute NAME VARIABLE=VALUE... -- COMMAND...
compute() {
    local name=$1 settings=() digest body=$place/${#rows[@]}.body began=$SECONDS
    shift
    while [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    shift
    say "computing: $name"
    env NUMBA_CACHE_DIR="$place/cache" "${settings[@]}" "$@" -m keeper book "${book[@]}" --out "$body" >/dev/null
    digest=$(env NUMBA_CACHE_DIR="$place/cache" "${settings[@]}" "$@" -m keeper digest "$body" --json)
    rm "$body"
    rows+=("$digest|$name|$((SECONDS - began)) s")
}

[ -x .venv/bin/python ] || fail ".venv is missing: run make install"
mkdir -p "$place"
from_vector() { .venv/bin/python -c "import json, sys; v = json.load(sys.stdin); print($1)" <"$vector"; }
read -r -a book <<<"$(from_vector '*v["book"]')"
expected=$(from_vector 'json.dumps(v["digest"])')

native="$(uname -m) $(.venv/bin/python -c 'import platform as p; print(p.python_implementation(), p.python_version())')"
compute "$native" -- .venv/bin/python
# shellcheck disable=SC2086 # two settings in one word
compute "$native, numba for any processor" $plain_numba -- .venv/bin/python
compute "$native, no numba" $without_numba -- .venv/bin/python

if found=$(python313) && [ -n "$found" ]; then
    make_cpython313 "$found"
    name="$(uname -m) CPython $("$place/cpython313/bin/python" -c 'import platform; print(platform.python_version())')"
    compute "$name" PYTHONPATH="$PWD" -- "$place/cpython313/bin/python"
    compute "$name, no numba" PYTHONPATH="$PWD" $without_numba -- "$place/cpython313/bin/python"
else
    fail "no CPython 3.13 with venv: name one by PYTHON313=/path/to/python3.13"
fi

make_aarch64
arm=("$place/aarch64/qemu/usr/bin/qemu-aarch64-static" -L "$place/aarch64/sysroot"
    "$place/aarch64/sysroot/usr/bin/python3.11")
settings=(PYTHONHOME="$place/aarch64/sysroot/usr" PYTHONPATH="$place/aarch64/site:$PWD")
name="$(env "${settings[@]}" "${arm[@]}" -c 'import platform as p; print(p.machine(), p.python_implementation(), p.python_version())') under qemu"
compute "$name" "${settings[@]}" -- "${arm[@]}"
compute "$name, no numba" "${settings[@]}" $without_numba -- "${arm[@]}"

field() { sed -E "s/.*\"$2\": \"0x([0-9a-f]{16}).*/\1/" <<<"$1"; }

printf '%-54s %-16s  %-16s  %-16s  %s\n' condition marginRoot riskArraysHash bundleHash time
differing=0
for row in "${rows[@]}"; do
    IFS='|' read -r digest name seconds <<<"$row"
    verdict=$seconds
    if [ "$digest" != "$expected" ]; then
        verdict="$seconds  DIFFERS"
        differing=$((differing + 1))
    fi
    printf '%-54s %-16s  %-16s  %-16s  %s\n' "$name" "$(field "$digest" marginRoot)" \
        "$(field "$digest" riskArraysHash)" "$(field "$digest" bundleHash)" "$verdict"
done
[ "$differing" = 0 ] || fail "$differing of ${#rows[@]} conditions give another digest than $vector"
echo "${#rows[@]} conditions, one digest: that of $(basename "$vector")"
