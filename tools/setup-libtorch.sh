#!/usr/bin/env bash
# Puts libtorch 2.11.0 where cargo finds it. Called by `make setup`; does nothing when all is in place.
#
#   LIBTORCH=DIR    use the libtorch in DIR (DIR/lib/libtorch_cpu.so) instead of fetching one
#   TORCH=cpu|cuda  which to fetch; unset: cuda where nvidia-smi lists a GPU, else cpu
#   TORCH=none      none: the program is built without focalsweep-torch, and trains on cores with its own kernels
#
# The fetched one lies in ${XDG_CACHE_HOME:-~/.cache}/focalsweep, shared by all checkouts. Its place is written to
# .cargo/config.toml, so that plain `cargo build`, `cargo test` and `cargo run` find it too.
set -euo pipefail

version=2.11.0
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 3; }

if [ "${TORCH:-}" = none ]; then
    command -v cargo >/dev/null || die "cargo is missing: https://rustup.rs"
    exit 0
fi

for tool in cargo g++ python3; do
    command -v "$tool" >/dev/null || die "$tool is missing. On Debian or Ubuntu: apt-get install g++ python3 python3-pip; cargo: https://rustup.rs"
done

if [ -n "${LIBTORCH:-}" ]; then
    torch=$LIBTORCH
    [ -e "$torch/lib/libtorch_cpu.so" ] || die "LIBTORCH=$torch has no lib/libtorch_cpu.so. Unset it to let setup fetch libtorch $version."
else
    kind=${TORCH:-}
    if [ -z "$kind" ]; then
        if nvidia-smi -L >/dev/null 2>&1; then kind=cuda; else kind=cpu; fi
    fi
    case $kind in cpu | cuda) ;; *) die "TORCH=$kind: write cpu, cuda or none" ;; esac
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep
    home=$cache/libtorch-$version-$kind
    torch=$home/torch
    mkdir -p "$cache"
    exec 9>"$cache/.lock"
    flock 9 # another checkout may be fetching it
    if [ ! -e "$torch/lib/libtorch_cpu.so" ]; then
        python3 -m pip --version >/dev/null 2>&1 || die "python3 has no pip. On Debian or Ubuntu: apt-get install python3-pip"
        fresh=$(mktemp -d "$cache/.fetching-XXXXXX")
        trap 'rm -rf "$fresh"' EXIT
        if [ "$kind" = cuda ]; then
            say "setup: fetching libtorch $version with CUDA (4.7 GB, once)"
            packages=("torch==$version")
        else
            say "setup: fetching libtorch $version (530 MB, once)"
            # libtorch_cpu.so needs these two of its dependencies and no other.
            packages=(--no-deps "torch==$version" "nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cupti==13.0.*")
        fi
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$fresh" "${packages[@]}" >&2 ||
            die "pip could not install torch $version (see above). Behind a proxy or mirror, set pip's index-url; or set LIBTORCH."
        rm -rf "$home"
        mv "$fresh" "$home"
        trap - EXIT
    fi
fi

found=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$torch/version.py" 2>/dev/null || cat "$torch/build-version" 2>/dev/null || true)
case ${found:-$version} in
"$version"*) ;;
*) die "$torch is libtorch $found; this program is linked to $version" ;;
esac

config=.cargo/config.toml
mark="# Written by make setup; not to be committed."
wanted="$mark
[env]
LIBTORCH = \"$torch\"
LIBTORCH_CXX11_ABI = \"1\""
if [ -e "$config" ] && ! head -n 1 "$config" | grep -q "make setup"; then
    die "$config is yours: add to it
$wanted"
fi
if [ "$(cat "$config" 2>/dev/null || true)" != "$wanted" ]; then
    mkdir -p .cargo
    printf '%s\n' "$wanted" >"$config"
    say "setup: libtorch is $torch (written to $config)"
fi
