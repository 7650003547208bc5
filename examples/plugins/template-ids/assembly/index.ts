// `template-ids`: a fresh identifier, please.
//
// The exports of json/1 and the table of functions. A call reads JSON, answers an envelope, and never traps: what's
// wrong with a request is said in `error`. `template_functions` and `template_function` must name the
// same functions; the example's check compares them.

import { Kind, Reader, Value, kindName, quote } from "./json";
import { NANOID_ALPHABET, nanoid, ulid, uuid4, uuid7 } from "./ids";
import { slug } from "./slug";

const LONGEST_NANOID = 256;

/** The ABI that this module speaks. */
export function mockforge_abi(): i32 {
  return 1;
}

/** Memory for the host to write into; 0 if the length makes no sense. */
export function alloc(len: i32): usize {
  return len < 0 || len > 0x3000000 ? 0 : heap.alloc(len);
}

/** Gives back what `alloc` or a call returned. */
export function dealloc(ptr: usize, _len: i32): void {
  if (ptr != 0) heap.free(ptr);
}

/** Describes the functions. */
export function template_functions(_ptr: usize, _len: i32): i64 {
  __collect();
  return answer('{"success":true,"result":' + FUNCTIONS + "}");
}

/** Answers one function. */
export function template_function(ptr: usize, len: i32): i64 {
  __collect(); // nothing of an earlier call is still needed
  const call = new Call();
  call.read(String.UTF8.decodeUnsafe(ptr, len));
  const result = call.run();
  if (call.error.length > 0) return answer('{"success":false,"error":' + quote(call.error) + "}");
  return answer('{"success":true,"result":' + quote(result) + "}");
}

/** Leaves `text` in memory for the host: pointer in the high half, length in the low. */
function answer(text: string): i64 {
  const len = String.UTF8.byteLength(text);
  const ptr = heap.alloc(len);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ptr);
  return <i64>((<u64>ptr << 32) | <u64>len);
}

/** One call: its arguments, and the first thing that's wrong with them. */
class Call {
  error: string = "";
  private name: string = "";
  private args: Array<Value> = [];

  /** Takes the request apart. */
  read(text: string): void {
    const reader = new Reader(text);
    const request = reader.read();
    if (request == null) {
      this.error = reader.error;
      return;
    }
    const name = request.get("function_name");
    if (name == null || name.kind != Kind.String) {
      this.error = "the request has no `function_name` that's a string";
      return;
    }
    this.name = name.text;
    const args = request.get("args");
    if (args == null || args.kind == Kind.Null) return;
    if (args.kind != Kind.Array) this.error = "`args` must be a list, not " + kindName(args.kind);
    this.args = args.items;
  }

  /** The function's answer; meaningless if `error` is set. */
  run(): string {
    if (this.error.length > 0) return "";
    const name = this.name;
    if (name == "uuid") return this.atMost(0) ? uuid4() : "";
    if (name == "uuid7") return this.atMost(0) ? uuid7() : "";
    if (name == "ulid") return this.atMost(0) ? ulid() : "";
    if (name == "nanoid") return this.atMost(2) ? this.nanoid() : "";
    if (name == "slug") return this.atMost(1) ? slug(this.text(0, "text")) : "";
    return this.fail("there's no function `" + name + "`; there are uuid, uuid7, ulid, nanoid, slug");
  }

  private nanoid(): string {
    const size = this.size();
    const alphabet = this.has(1) ? this.text(1, "alphabet") : NANOID_ALPHABET;
    if (this.error.length > 0) return "";
    if (alphabet.length < 2 || alphabet.length > 256) {
      return this.fail("nanoid: argument 2 (`alphabet`) must have 2 to 256 characters");
    }
    for (let i = 0; i < alphabet.length; i++) {
      if ((alphabet.charCodeAt(i) & 0xf800) == 0xd800) {
        return this.fail("nanoid: argument 2 (`alphabet`) has a character beyond U+FFFF");
      }
    }
    return nanoid(size, alphabet);
  }

  private size(): i32 {
    if (!this.has(0)) return 21;
    const value = this.args[0];
    const size = value.number;
    if (value.kind == Kind.Number && size >= 1 && size <= LONGEST_NANOID && Math.floor(size) == size) return <i32>size;
    this.fail("nanoid: argument 1 (`size`) must be a whole number from 1 to " + LONGEST_NANOID.toString());
    return 0;
  }

  private text(index: i32, name: string): string {
    const place = this.name + ": argument " + (index + 1).toString() + " (`" + name + "`)";
    if (index >= this.args.length) return this.fail(place + " is missing");
    const value = this.args[index];
    if (value.kind == Kind.String) return value.text;
    return this.fail(place + " must be a string, not " + kindName(value.kind));
  }

  private has(index: i32): bool {
    return index < this.args.length && this.args[index].kind != Kind.Null;
  }

  private atMost(most: i32): bool {
    const count = this.args.length;
    if (count <= most) return true;
    this.fail(this.name + " takes at most " + most.toString() + " arguments, not " + count.toString());
    return false;
  }

  private fail(error: string): string {
    if (this.error.length == 0) this.error = error;
    return "";
  }
}

const FUNCTIONS: string = '['
  + '{"name":"uuid","description":"A random UUID (version 4)","parameters":[],"return_type":"string"},'
  + '{"name":"uuid7","description":"A UUID that sorts by time (version 7)","parameters":[],"return_type":"string"},'
  + '{"name":"ulid","description":"A ULID: sorts by time, 26 characters","parameters":[],"return_type":"string"},'
  + '{"name":"nanoid","description":"A short random identifier for URLs","parameters":['
  + '{"name":"size","type":"number","required":false,"description":"How many characters, 1 to 256; 21 if absent"},'
  + '{"name":"alphabet","type":"string","required":false,"description":"The characters to choose from, 2 to 256"}'
  + '],"return_type":"string"},'
  + '{"name":"slug","description":"A text as a part of a URL: lower-case ASCII words with hyphens","parameters":['
  + '{"name":"text","type":"string","required":true,"description":"The text"}'
  + '],"return_type":"string"}'
  + ']';
