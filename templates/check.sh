#!/usr/bin/env bash
# Makes, builds, tests, validates, packages and publishes what `mfp new` writes, adds it to a project and asks it: as a new author would.
#
#   templates/check.sh [LANGUAGE…]    these languages, or those of the quick ones whose tools are here
#
# MFP names the command (target/debug/mfp if it doesn't), TYPES the types (all five). What's made stays in target/templates/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MFP=$(realpath "${MFP:-target/debug/mfp}")
TYPES=${TYPES:-auth template response datasource full}
HERE=$PWD/target/templates

# Nothing of whoever runs this: their store, their configuration, their shared folders.
mkdir -p "$HERE"
export MFP_STORE_DIR=$HERE/store MFP_CACHE_DIR=$HERE/cache MFP_NO_CONFIG=1 MFP_NO_PROGRESS=1
# Crates that several plugins need are built once.
export CARGO_TARGET_DIR=$HERE/cargo CARGO_INCREMENTAL=0

fail() {
    echo "check.sh: $1" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null
}

# is_here LANGUAGE: are its tools?
is_here() {
    case $1 in
        rust) has cargo ;;
        assemblyscript) has npm ;;
        c) has clang-19 || has clang ;;
        zig) has zig || python3 -c "import ziglang" 2>/dev/null ;;
        js) has npm ;;
        python | remote-python) python3 -c "import venv, ensurepip" 2>/dev/null ;;
        *) false ;;
    esac
}

# The tools of a language are fetched once, not five times.
share_packages() {
    local packages=$HERE/$1-node_modules
    [ -f package.json ] || return 0
    if [ "$2" = before ]; then
        [ ! -d "$packages" ] || cp -al "$packages" node_modules
    elif [ ! -d "$packages" ]; then
        cp -al node_modules "$packages"
    fi
}

# The same of Python's: the first plugin's environment is that of the others.
share_environment() {
    local environment=$HERE/$1-venv
    [ -f pyproject.toml ] || return 0
    if [ "$2" = before ]; then
        [ ! -e "$environment" ] || ln -s "$(readlink -f "$environment")" .venv
    elif [ ! -e "$environment" ]; then
        ln -sfn "$PWD/.venv" "$environment"
    fi
}

# asks NAME TYPE: the plugin of this name, in the project that is here, answers as that type does.
asks() {
    local found expected
    case $2 in
        auth)
            expected='{"authenticated":true,"user_id":"ada","claims":{"type":"bearer"}}'
            found=$("$MFP" run -q "$1" authenticate '{"type": "bearer", "token": "a-token"}')
            ;;
        template)
            expected='"Servus, Ada!"'
            found=$("$MFP" run -q "$1" greet '["Ada"]')
            ;;
        response)
            # {"message":"Hello","method":"GET","path":"/tea"}
            expected='{"status_code":418,"headers":{},"body":"eyJtZXNzYWdlIjoiSGVsbG8iLCJtZXRob2QiOiJHRVQiLCJwYXRoIjoiL3RlYSJ9","content_type":"application/json"}'
            found=$("$MFP" run -q "$1" generate '{"method": "GET", "path": "/tea"}')
            ;;
        datasource)
            expected='{"columns":[{"name":"id","data_type":"integer"},{"name":"name","data_type":"string"}],"rows":[{"id":2,"name":"banana"}]}'
            found=$("$MFP" run -q "$1" query '{"query": "an"}')
            ;;
    esac
    # The order of an object's keys means nothing, and some languages have an order of their own.
    python3 -c 'import json, sys; sys.exit(json.loads(sys.argv[1]) != json.loads(sys.argv[2]))' "$found" "$expected" \
        || fail "$1: $2: expected $expected, found $found"
}

configuration() {
    echo "[config.$1]"
    case $2 in auth | full) echo 'tokens = { "a-token" = "ada" }' ;; esac
    case $2 in template | full) echo 'greeting = "Servus"' ;; esac
    case $2 in response | full) echo 'status = 418' ;; esac
    case $2 in datasource | full) echo 'items = ["apple", "banana", "cherry"]' ;; esac
}

# check LANGUAGE TYPE
check() {
    local language=$1 kind=$2 name=$2-in-$1 types=$2
    local plugin=$HERE/$name project=$HERE/$name-project
    [ "$kind" != full ] || types="auth template response datasource"
    rm -rf "$plugin" "$project"
    "$MFP" new -q "$plugin" --type "$kind" --lang "$language" --author "Ada <ada@example.org>" --vcs git
    (
        cd "$plugin"
        share_packages "$language" before
        share_environment "$language" before
        "$MFP" build -q
        share_packages "$language" after
        share_environment "$language" after
        "$MFP" test -q
        "$MFP" validate -q
        # A service is no package: it runs where it likes, and a project names its address.
        [ "$language" != remote-python ] || exit 0
        "$MFP" package -q >/dev/null
        "$MFP" publish -q --registry "$HERE/registry" 2>/dev/null
    )
    if [ "$language" = remote-python ]; then
        echo "check.sh: $name: tested"
        return
    fi
    mkdir -p "$project"
    (
        cd "$project"
        "$MFP" init -q --registry file:../registry
        "$MFP" add -q "$name"
        configuration "$name" "$kind" >>mockforge-plugins.toml
        for type in $types; do asks "$name" "$type"; done
    )
    echo "check.sh: $name: built, tested, published, answers ($(stat -c %s "$plugin"/*.wasm) bytes)"
}

# The folder of the plugin's own source, in languages whose glue is tried by fixtures/glue.
glue_source() {
    case $1 in
        assemblyscript) echo assembly/plugin.ts ;;
        c) echo src/plugin.c ;;
        zig) echo src/plugin.zig ;;
    esac
}

# glue_answers NAME FUNCTION ARGUMENTS CONDITION: does the plugin answer something of which that holds? It's Python, of `answer`, which is None where it's an error, and of `error`.
glue_answers() {
    local answer error=$HERE/glue-error.txt
    answer=$("$MFP" run -q "$1" "$2" "$3" 2>"$error") || answer=null
    python3 -c 'import json, sys, time; answer, error = json.loads(sys.argv[1]), sys.argv[2]; sys.exit(not eval(sys.argv[3]))' \
        "$answer" "$(cat "$error")" "$4" || fail "$1: $2 $3: expected $4, found $answer $(cat "$error")"
}

# check_glue LANGUAGE: what a host gives beside configuration and log, by the language's glue. It calls the plugin of type `full`, so that's made before.
check_glue() {
    local language=$1 name=glue-in-$1 port
    local plugin=$HERE/$name project=$HERE/$name-project
    rm -rf "$plugin" "$project"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$MFP" new -q "$plugin" --type template --lang "$language" --author "Ada <ada@example.org>" --vcs git
    (
        cd "$plugin"
        local source
        source=$(glue_source "$language")
        cp "$OLDPWD/fixtures/glue/plugin.${source##*.}" "$source"
        mkdir data && printf hi >data/hi.txt
        # What the template's plugin does, this one doesn't.
        sed -i -e '/^# What `mfp test` asks/,$d' -e 's|^  license:|  include: ["data/**"]\n&|' plugin.yaml
        cat >>plugin.yaml <<MANIFEST
capabilities:
  network: { allow_http_outbound: true, allowed_hosts: ["http://127.0.0.1:$port"] }
dependencies:
  - { id: full-in-$language, version: "*", optional: false }
MANIFEST
        share_packages "$language" before
        "$MFP" build -q
        "$MFP" package -q >/dev/null
        "$MFP" publish -q --registry "$HERE/registry" 2>/dev/null
    )
    python3 -m http.server --bind 127.0.0.1 --directory "$plugin/data" "$port" >/dev/null 2>&1 &
    local server=$!
    # shellcheck disable=SC2064
    trap "kill $server" EXIT
    until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do sleep 0.1; done
    mkdir -p "$project"
    (
        cd "$project"
        "$MFP" init -q --registry file:../registry
        "$MFP" add -q "$name" --approve
        local greet='{"function_name": "greet", "args": ["Ä"], "context": {}}' get='{"method": "GET", "headers": {}, "body": "", "url"'
        glue_answers "$name" now '[]' 'abs(answer - time.time() * 1000) < 600_000'
        for count in 0 1 1000; do glue_answers "$name" random "[$count]" "len(answer) == $count"; done
        glue_answers "$name" random '[1000]' 'len(set(answer)) > 200 and max(answer) > 200 and min(answer) >= 0'
        glue_answers "$name" asset '["data/hi.txt"]' 'answer == "aGk="'
        glue_answers "$name" asset '["data/none.txt"]' 'answer is None and "data/none.txt" in error'
        glue_answers "$name" call "[\"full-in-$language\", \"execute\", $greet]" 'answer == "Hello, Ä!"'
        glue_answers "$name" call "[\"full-in-$language\", \"execute\", ${greet/greet/great}]" 'answer is None and "no function `great`" in error'
        glue_answers "$name" call "[\"another\", \"execute\", $greet]" 'answer is None and "another" in error'
        glue_answers "$name" http "[$get: \"http://127.0.0.1:$port/hi.txt\"}]" 'answer["status"] == 200 and answer["body"] == "aGk="'
        glue_answers "$name" http "[$get: \"http://127.0.0.1:$port/none.txt\"}]" 'answer["status"] == 404'
        glue_answers "$name" http "[$get: \"http://127.0.0.1:1/\"}]" 'answer is None and "127.0.0.1:1" in error'
    )
    trap - EXIT
    kill "$server"
    wait "$server" 2>/dev/null || true
    echo "check.sh: $name: what the host gives, arrives"
}

# check_service TYPE: a service is neither built nor published; it's started, and asked through mfp.
check_service() {
    local kind=$1 name=$1-in-remote-python types=$1 type port flags=()
    local plugin=$HERE/$name project=$HERE/$name-project
    [ "$kind" != full ] || types="auth template response datasource"
    for type in $types; do flags+=(--type "$type"); done
    rm -rf "$plugin" "$project"
    "$MFP" new -q "$plugin" --type "$kind" --lang remote-python --author "Ada <ada@example.org>" --vcs git
    (
        cd "$plugin"
        share_environment remote-python before
        "$MFP" test -q
        share_environment remote-python after
        "$MFP" validate -q
        # As `configuration` has it for the others.
        sed -i -e 's/"greeting": "Hello"/"greeting": "Servus"/' -e 's/"status": 200/"status": 418/' config.json
    )
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    PORT=$port "$plugin/.venv/bin/python" "$plugin/src/service.py" 2>"$HERE/$name.log" &
    local service=$!
    # shellcheck disable=SC2064
    trap "kill $service" EXIT
    mkdir -p "$project"
    (
        cd "$project"
        "$MFP" init -q
        "$MFP" add -q "remote+http://127.0.0.1:$port" --rename "$name" "${flags[@]}"
        until python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health')" 2>/dev/null; do
            kill -0 "$service" 2>/dev/null || fail "$name: the service ended: $(cat "$HERE/$name.log")"
            sleep 0.2
        done
        for type in $types; do asks "$name" "$type"; done
    )
    trap - EXIT
    kill "$service"
    wait "$service" || true
    echo "check.sh: $name: tested, started, answers"
}

languages=${*:-}
if [ -z "$languages" ]; then
    for language in rust assemblyscript c zig; do
        if is_here "$language"; then languages+=" $language"; else echo "check.sh: $language: its tools aren't here, left out" >&2; fi
    done
fi
rm -rf "$HERE/registry"
"$MFP" registry init -q "$HERE/registry"
for language in $languages; do
    rm -f "$HERE/$language-venv"
    for kind in $TYPES; do
        if [ "$language" = remote-python ]; then check_service "$kind"; else check "$language" "$kind"; fi
    done
    case " $TYPES " in *" full "*) [ -z "$(glue_source "$language")" ] || check_glue "$language" ;; esac
done
