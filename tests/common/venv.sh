# Sourced, with `missed` set to what is not done where it skips: the program, and a venv that is made once and kept in
# the user's cache.

skip() {
    echo "skipped: $1; $missed"
    exit 0
}

# find_program: sets `program`, the whole path of the one that `make build` made, or that FOCALSWEEP names.
find_program() {
    program=$(realpath "${FOCALSWEEP:-${CARGO_TARGET_DIR:-target}/release/focalsweep}")
    if [ ! -x "$program" ]; then
        echo "there is no $program: run \`make build\`, or name the program in FOCALSWEEP" >&2
        exit 1
    fi
}

# make_venv NAME PACKAGES: sets `venv`, which has these packages and no others; made again when they change.
make_venv() {
    venv=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/$1
    if [ "$(cat "$venv/made-with" 2>/dev/null || true)" != "$2" ]; then
        command -v python3 >/dev/null || skip "there is no python3"
        rm -rf "$venv"
        mkdir -p "$(dirname "$venv")"
        python3 -m venv "$venv" >/dev/null 2>&1 || skip "python3 -m venv does not work here"
        # shellcheck disable=SC2086 # one word a package
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: $2 ||
            skip "pip cannot install $2"
        echo "$2" >"$venv/made-with"
    fi
}
