// json/1: memory for the host, and answers in envelopes. Each call has a fresh instance, so that nothing need be freed.

import { Value, parse, quote } from "./json";

/** The ABI that this module speaks. */
export function mockforge_abi(): i32 {
  return 1;
}

/** Memory for the host to write into. */
export function alloc(len: i32): usize {
  return heap.alloc(len);
}

/** The host is done with a request or an answer. */
export function dealloc(ptr: usize, _len: i32): void {
  heap.free(ptr);
}

let error: string | null = null;

/** The plugin's own error, for whoever asked: `return fail("…")`. */
export function fail(text: string): Value {
  error = text;
  return new Value();
}

/** Take the request apart, ask, and wrap the answer. */
export function answer(ptr: usize, len: i32, call: (request: Value) => Value): i64 {
  const request = parse(String.UTF8.decodeUnsafe(ptr, len));
  const result = request == null ? fail("the request isn't JSON") : call(request);
  const refused = error;
  if (refused != null) return give('{"success":false,"error":' + quote(refused) + "}");
  return give('{"success":true,"result":' + result.toString() + "}");
}

/** A text for the host: pointer in the high half, length in the low. */
export function give(text: string): i64 {
  const len = String.UTF8.byteLength(text);
  const ptr = heap.alloc(len);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ptr);
  return (<i64>ptr << 32) | <i64>len;
}

/** A text of the host's. */
export function take(packed: i64): string {
  return String.UTF8.decodeUnsafe(<usize>(packed >>> 32), <i32>packed);
}
