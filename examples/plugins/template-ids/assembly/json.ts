// How is JSON read and written without a library?
//
// A small, strict reader of RFC 8259 for requests (no comments, no trailing commas, no lone surrogates
// in the text), at most 64 levels deep. It never traps: a mistake is kept in `Reader.error`, with
// its place, and the answer is then null.
//
// What `mfp new --lang assemblyscript` gives reads and writes in less, and only says that something isn't JSON; this is what it takes to say where.

export enum Kind {
  Null,
  Boolean,
  Number,
  String,
  Array,
  Object,
}

/** A JSON value. Only the field of its kind means something. */
export class Value {
  truth: bool = false;
  number: f64 = 0;
  text: string = "";
  items: Array<Value> = [];
  keys: Array<string> = [];

  constructor(public kind: Kind) {}

  /** The member `key` of an object (the last one, if it's there twice), else null. */
  get(key: string): Value | null {
    for (let i = this.keys.length - 1; i >= 0; i--) {
      if (this.keys[i] == key) return this.items[i];
    }
    return null;
  }
}

/** What a value is, for a sentence. */
export function kindName(kind: Kind): string {
  switch (kind) {
    case Kind.Null: return "null";
    case Kind.Boolean: return "a boolean";
    case Kind.Number: return "a number";
    case Kind.String: return "a string";
    case Kind.Array: return "a list";
    default: return "an object";
  }
}

const DEEPEST = 64;

export class Reader {
  /** What's wrong with the text; empty as long as nothing is. */
  error: string = "";
  private at: i32 = 0;
  private depth: i32 = 0;

  constructor(private text: string) {}

  /** The one value that the whole text is, or null with `error` set. */
  read(): Value | null {
    const value = this.value();
    if (value == null) return null;
    this.skip();
    if (this.at < this.text.length) return this.fail("nothing more");
    return value;
  }

  private fail(wanted: string): Value | null {
    if (this.error.length == 0) {
      this.error = "the request isn't JSON: wanted " + wanted + " at character " + (this.at + 1).toString();
    }
    return null;
  }

  /** The code unit here, or -1 at the end. */
  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  private skip(): void {
    let unit = this.peek();
    while (unit == 0x20 || unit == 0x09 || unit == 0x0a || unit == 0x0d) {
      this.at++;
      unit = this.peek();
    }
  }

  /** Whether `unit` is next after blanks; it's consumed then. */
  private next(unit: i32): bool {
    this.skip();
    if (this.peek() != unit) return false;
    this.at++;
    return true;
  }

  private word(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private value(): Value | null {
    this.skip();
    const unit = this.peek();
    if (unit == 0x7b) return this.nested(true);
    if (unit == 0x5b) return this.nested(false);
    if (unit == 0x22) return this.string();
    if (unit == 0x2d || isDigit(unit)) return this.number();
    if (this.word("null")) return new Value(Kind.Null);
    const truth = this.word("true");
    if (!truth && !this.word("false")) return this.fail("a value");
    const value = new Value(Kind.Boolean);
    value.truth = truth;
    return value;
  }

  private nested(isObject: bool): Value | null {
    if (++this.depth > DEEPEST) return this.fail("less than 64 levels");
    this.at++;
    const close = isObject ? 0x7d : 0x5d;
    const value = new Value(isObject ? Kind.Object : Kind.Array);
    if (!this.next(close)) {
      do {
        if (isObject) {
          this.skip();
          const key = this.string();
          if (key == null) return null;
          if (!this.next(0x3a)) return this.fail("`:`");
          value.keys.push(key.text);
        }
        const item = this.value();
        if (item == null) return null;
        value.items.push(item);
      } while (this.next(0x2c));
      if (!this.next(close)) return this.fail(isObject ? "`,` or `}`" : "`,` or `]`");
    }
    this.depth--;
    return value;
  }

  private number(): Value | null {
    const start = this.at;
    if (this.peek() == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else if (!this.digits()) return this.fail("a digit");
    if (this.peek() == 0x2e) {
      this.at++;
      if (!this.digits()) return this.fail("a digit");
    }
    if (this.peek() == 0x65 || this.peek() == 0x45) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      if (!this.digits()) return this.fail("a digit");
    }
    const value = new Value(Kind.Number);
    value.number = parseFloat(this.text.substring(start, this.at));
    return value;
  }

  private digits(): bool {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > start;
  }

  private string(): Value | null {
    if (this.peek() != 0x22) return this.fail("a string");
    this.at++;
    const value = new Value(Kind.String);
    let start = this.at;
    while (true) {
      const unit = this.peek();
      if (unit < 0x20) return this.fail("a closing quote");
      if (unit != 0x22 && unit != 0x5c) {
        this.at++;
        continue;
      }
      value.text += this.text.substring(start, this.at);
      this.at++;
      if (unit == 0x22) return value;
      const escaped = this.escape();
      if (escaped < 0) return this.fail("an escape");
      value.text += String.fromCharCode(escaped);
      start = this.at;
    }
  }

  /** The code unit that an escape means, or -1. */
  private escape(): i32 {
    const unit = this.peek();
    this.at++;
    switch (unit) {
      case 0x22: case 0x5c: case 0x2f: return unit;
      case 0x62: return 0x08;
      case 0x66: return 0x0c;
      case 0x6e: return 0x0a;
      case 0x72: return 0x0d;
      case 0x74: return 0x09;
      case 0x75: break;
      default: return -1;
    }
    let code = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.peek());
      if (digit < 0) return -1;
      code = (code << 4) | digit;
      this.at++;
    }
    return code;
  }
}

function isDigit(unit: i32): bool {
  return unit >= 0x30 && unit <= 0x39;
}

function hexDigit(unit: i32): i32 {
  if (isDigit(unit)) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** `text` as a JSON string, quotes and all. A lone surrogate becomes U+FFFD. */
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit == 0x22 || unit == 0x5c) {
      out += "\\" + String.fromCharCode(unit);
    } else if (unit < 0x20) {
      out += "\\u00" + (unit >> 4).toString(16) + (unit & 15).toString(16);
    } else if (unit >= 0xd800 && unit < 0xdc00 && isLow(text, i + 1)) {
      out += text.substring(i, i + 2);
      i++;
    } else if (unit >= 0xd800 && unit < 0xe000) {
      out += "\ufffd";
    } else {
      out += String.fromCharCode(unit);
    }
  }
  return out + '"';
}

function isLow(text: string, at: i32): bool {
  if (at >= text.length) return false;
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}
