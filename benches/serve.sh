#!/usr/bin/env bash
# How many small template calls does `mfp serve` answer in a second, how long does each take, and does its memory stay
# flat? wrk on the same machine against the quick start's plugins: a json/1 module in AssemblyScript (slug) and one in Rust
# (sha256). Needs wrk (`apt-get install wrk`).
#
#   cargo build --release && benches/serve.sh                 # 32 connections, 10 s
#   CONNECTIONS=64 SECONDS_EACH=30 benches/serve.sh target/debug/mfp
set -euo pipefail
cd "$(dirname "$0")/.."
mfp=$(realpath "${1:-target/release/mfp}")
connections=${CONNECTIONS:-32} seconds=${SECONDS_EACH:-10}
command -v wrk >/dev/null || { echo "wrk isn't installed" >&2; exit 1; }

work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cp -r examples/quickstart examples/registry "$work"
export HOME=$work/home MFP_STORE_DIR=$work/store MFP_CACHE_DIR=$work/cache
mkdir "$HOME"

"$mfp" --project "$work/quickstart" serve --listen 127.0.0.1:0 --json >"$work/started" 2>"$work/log" &
server=$!
until test -s "$work/started"; do sleep 0.1; kill -0 "$server"; done
address=$(sed 's/.*"address":"\([^"]*\)".*/\1/' "$work/started")
memory() { awk '/VmRSS/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$server/status"; }

# plugin, body
load() {
  cat >"$work/call.lua" <<LUA
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '$2'
local wrong = 0
function response(status) if status ~= 200 then wrong = wrong + 1; if wrong == 1 then print("NOT 200: " .. status) end end end
LUA
  local url=$address/plugins/$1/plugin/template/execute
  wrk -t1 -c"$connections" -d2s -s "$work/call.lua" "$url" >/dev/null
  echo "== $1, $connections connections, $seconds s; memory before: $(memory)"
  wrk -t1 -c"$connections" -d"${seconds}s" --latency -s "$work/call.lua" "$url" | grep -E '50%|90%|99%|Requests/sec|Non-2xx|Socket|NOT 200'
  echo "   memory after: $(memory)"
}

load template-ids '{"function_name":"slug","args":["Hello world"],"context":{}}'
load template-hash '{"function_name":"sha256","args":["hello"],"context":{}}'
curl -s "$address/metrics" | grep -E '^mfp_(call_errors|requests_refused|memory_peak)' || true
