# Starts an example as a newcomer would, and drives it from outside with curl and a cookie jar. Sourced by the scripts
# that do, from anywhere: `. "$(dirname "$0")/drive.sh"`, then `example NAME [CARGO OPTION]...`. With EXAMPLE_OPTIONS,
# cargo gets those options instead: scripts/test names those that it has built everything with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
server=
trap 'stop; rm -rf "$work"' EXIT

example() { # example NAME [CARGO OPTION]...: builds it
    local name=$1
    shift
    if [ -n "${EXAMPLE_OPTIONS:-}" ]; then
        read -ra options <<<"$EXAMPLE_OPTIONS"
        set -- "${options[@]}"
    fi
    cargo build --quiet --example "$name" "$@"
    program=$(cargo metadata --format-version 1 --no-deps |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/examples/$name
}

start() { # start [NAME=VALUE]...: on a free port, with these variables; its output goes to $work/out
    : >"$work/out" # no output of an earlier server
    env PORT=0 "$@" "$program" >>"$work/out" &
    server=$!
    for _ in $(seq 100); do
        url=$(sed -n 's/^The .* is open at //p' "$work/out")
        [ -n "$url" ] && return
        sleep 0.1
    done
    echo "$program did not open" >&2
    exit 1
}

stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }

printed_keys() { # the key ring that the server generated because it was given none
    sed -n 's/^SESSION_KEYS=//p' "$work/out"
}

browse() { # [browser=NAME] browse PATH [CURL OPTION]...: in one browser, which has its own cookie jar
    local path=$1 jar=$work/jar.${browser:-one}
    shift
    curl --silent --show-error --fail --location --cookie "$jar" --cookie-jar "$jar" "$@" "$url$path"
}

expect() { # expect WHAT TEXT: in the standard input
    local text
    text=$(cat) # all of it, so that the writer gets no SIGPIPE
    if [[ $text == *"$2"* ]]; then
        echo "ok: $1"
    else
        echo "FAILED: $1: no \`$2\`" >&2
        exit 1
    fi
}

expect_misspelled_keys_to_be_rejected() {
    stop
    if env PORT=0 SESSION_KEYS="ssk1.xaes.misspelled" "$program" >"$work/out" 2>&1; then
        echo "FAILED: it started with a misspelled key" >&2
        exit 1
    fi
    expect "names the position of a misspelled key" "entry 1 of the key ring" <"$work/out"
}
