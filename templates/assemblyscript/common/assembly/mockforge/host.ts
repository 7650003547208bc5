// What the host gives.

import { give, take } from "./abi";
import { Value, parse } from "./json";

@external("mockforge", "log")
declare function host_log(ptr: usize, len: i32): void;
@external("mockforge", "config")
declare function host_config(): i64;
@external("mockforge", "now_ms")
declare function host_now_ms(): i64;
@external("mockforge", "random")
declare function host_random(ptr: usize, len: i32): void;
@external("mockforge", "asset")
declare function host_asset(ptr: usize, len: i32): i64;
@external("mockforge", "call")
declare function host_call(ptr: usize, len: i32): i64;
@external("mockforge", "http_request")
declare function host_http_request(ptr: usize, len: i32): i64;

/** What the host answers, or why it doesn't. */
export class Answer {
  constructor(public result: Value, public error: string | null) {}
}

/** A line for the host's log; the level is trace, debug, info, warn or error. */
export function log(level: string, text: string): void {
  const line = give(Value.object().with("level", Value.string(level)).with("text", Value.string(text)).toString());
  host_log(<usize>(line >>> 32), <i32>line);
}

/** The configuration, which the host checked against the schema of plugin.yaml. */
export function config(): Value {
  const read = parse(take(host_config()));
  return read == null ? Value.object() : read;
}

/** Milliseconds since 1970. */
export function now(): i64 {
  return host_now_ms();
}

/** So many random bytes. */
export function random(count: i32): StaticArray<u8> {
  const bytes = new StaticArray<u8>(count);
  if (count > 0) host_random(changetype<usize>(bytes), count);
  return bytes;
}

/** A file of the package (`plugin.include`), in base64. */
export function asset(path: string): Answer {
  const asked = give(path);
  return open(host_asset(<usize>(asked >>> 32), <i32>asked));
}

/** What a dependency answers. It's declared in plugin.yaml. */
export function call(dependency: string, call: string, request: Value): Answer {
  const asking = Value.object().with("dependency", Value.string(dependency)).with("call", Value.string(call)).with("request", request);
  const asked = give(asking.toString());
  return open(host_call(<usize>(asked >>> 32), <i32>asked));
}

/**
 * A server's `{"status","headers","body"}` to `{"method","url","headers","body"}`, with bodies in base64. Only hosts of plugin.yaml's
 * capabilities that were approved answer.
 */
export function http(request: Value): Answer {
  const asked = give(request.toString());
  return open(host_http_request(<usize>(asked >>> 32), <i32>asked));
}

/** The host's envelope. */
function open(packed: i64): Answer {
  const envelope = parse(take(packed));
  if (envelope == null) return new Answer(new Value(), "the host's answer isn't JSON");
  return new Answer(envelope.get("result"), envelope.get("success").truth ? null : envelope.get("error").text);
}
