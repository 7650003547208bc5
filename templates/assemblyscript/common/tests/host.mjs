// A host for tests: what it gives stands still, what's logged is kept.

import { readFile } from "node:fs/promises";

const module = await WebAssembly.compile(await readFile(new URL("../build/test.wasm", import.meta.url)));

/** Make a call in a fresh instance. The answer is the plugin's envelope, `{success, result}` or `{success, error}`; `logged` is added. */
export async function ask(call, request, config = {}) {
  const logged = [];
  let exports;
  const read = (ptr, len) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, ptr, len));
  const write = (text) => {
    const bytes = new TextEncoder().encode(text);
    const ptr = exports.alloc(bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, ptr);
    return [ptr, bytes.length];
  };
  const give = (text) => {
    const [ptr, len] = write(text);
    return (BigInt(ptr) << 32n) | BigInt(len);
  };
  const nothing = () => give('{"success":false,"error":"the test gives nothing"}');
  const mockforge = {
    log: (ptr, len) => logged.push(JSON.parse(read(ptr, len))),
    config: () => give(JSON.stringify(config)),
    now_ms: () => 1_767_225_600_000n,
    random: (ptr, len) => new Uint8Array(exports.memory.buffer, ptr, len).fill(7),
    asset: nothing,
    call: nothing,
    http_request: nothing,
  };
  ({ exports } = await WebAssembly.instantiate(module, { mockforge }));
  const packed = BigInt.asUintN(64, exports[call](...write(JSON.stringify(request))));
  const answer = JSON.parse(read(Number(packed >> 32n), Number(packed & 0xffffffffn)));
  return { ...answer, logged };
}
