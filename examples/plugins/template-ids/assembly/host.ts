// What does the host offer? The imports of json/1 that this plugin needs.

@external("mockforge", "random")
declare function random(ptr: usize, len: i32): void;

@external("mockforge", "now_ms")
declare function now_ms(): i64;

/** `count` bytes of the host's randomness. */
export function randomBytes(count: i32): StaticArray<u8> {
  const bytes = new StaticArray<u8>(count);
  random(changetype<usize>(bytes), count);
  return bytes;
}

/** Milliseconds since 1970-01-01 UTC, never negative. */
export function now(): u64 {
  const ms = now_ms();
  return ms < 0 ? 0 : <u64>ms;
}
