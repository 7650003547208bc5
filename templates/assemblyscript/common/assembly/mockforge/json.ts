// JSON, as values that are read, made and written.

export enum Kind {
  Null,
  Boolean,
  Number,
  String,
  List,
  Object,
}

/** A JSON value. What isn't there is `null`, and `null` has neither text nor members, so that nobody has to ask first. */
export class Value {
  kind: Kind = Kind.Null;
  /** The text of a string, or the digits of a number: none is lost. */
  text: string = "";
  truth: bool = false;
  items: Array<Value> = [];
  keys: Array<string> = [];

  static string(text: string): Value {
    const value = new Value();
    value.kind = Kind.String;
    value.text = text;
    return value;
  }

  static integer(number: i64): Value {
    const value = new Value();
    value.kind = Kind.Number;
    value.text = number.toString();
    return value;
  }

  static boolean(truth: bool): Value {
    const value = new Value();
    value.kind = Kind.Boolean;
    value.truth = truth;
    return value;
  }

  static list(items: Array<Value> = []): Value {
    const value = new Value();
    value.kind = Kind.List;
    value.items = items;
    return value;
  }

  static object(): Value {
    const value = new Value();
    value.kind = Kind.Object;
    return value;
  }

  /** With another member. */
  with(key: string, value: Value): Value {
    this.keys.push(key);
    this.items.push(value);
    return this;
  }

  /** The member `key` of an object (the last one, if it's there twice), or `null`. */
  get(key: string): Value {
    for (let i = this.keys.length - 1; i >= 0; i--) {
      if (this.keys[i] == key) return this.items[i];
    }
    return new Value();
  }

  /** The item at `index` of a list, or `null`. */
  at(index: i32): Value {
    return index < this.items.length ? this.items[index] : new Value();
  }

  get isNull(): bool {
    return this.kind == Kind.Null;
  }

  get isString(): bool {
    return this.kind == Kind.String;
  }

  get number(): f64 {
    return this.kind == Kind.Number ? parseFloat(this.text) : NaN;
  }

  /** JSON text. */
  toString(): string {
    switch (this.kind) {
      case Kind.Boolean: return this.truth ? "true" : "false";
      case Kind.Number: return this.text;
      case Kind.String: return quote(this.text);
      case Kind.List: return "[" + this.items.map<string>((item) => item.toString()).join(",") + "]";
      case Kind.Object: {
        const members = new Array<string>();
        for (let i = 0; i < this.keys.length; i++) members.push(quote(this.keys[i]) + ":" + this.items[i].toString());
        return "{" + members.join(",") + "}";
      }
      default: return "null";
    }
  }
}

/** The value that a text is, or null if it isn't JSON (RFC 8259, at most 200 levels deep). */
export function parse(text: string): Value | null {
  const reader = new Reader(text);
  const value = reader.value();
  return value != null && reader.isAtEnd() ? value : null;
}

const DEEPEST = 200;

class Reader {
  private at: i32 = 0;
  private depth: i32 = 0;

  constructor(private text: string) {}

  isAtEnd(): bool {
    this.skip();
    return this.at == this.text.length;
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

  value(): Value | null {
    this.skip();
    const unit = this.peek();
    if (unit == 0x7b) return this.nested(true);
    if (unit == 0x5b) return this.nested(false);
    if (unit == 0x22) return this.string();
    if (unit == 0x2d || isDigit(unit)) return this.number();
    if (this.word("null")) return new Value();
    if (this.word("true")) return Value.boolean(true);
    return this.word("false") ? Value.boolean(false) : null;
  }

  private nested(isObject: bool): Value | null {
    if (++this.depth > DEEPEST) return null;
    this.at++;
    const close = isObject ? 0x7d : 0x5d;
    const value = isObject ? Value.object() : Value.list();
    if (!this.next(close)) {
      do {
        if (isObject) {
          this.skip();
          const key = this.string();
          if (key == null || !this.next(0x3a)) return null;
          value.keys.push(key.text);
        }
        const item = this.value();
        if (item == null) return null;
        value.items.push(item);
      } while (this.next(0x2c));
      if (!this.next(close)) return null;
    }
    this.depth--;
    return value;
  }

  private number(): Value | null {
    const start = this.at;
    if (this.peek() == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else if (!this.digits()) return null;
    if (this.peek() == 0x2e) {
      this.at++;
      if (!this.digits()) return null;
    }
    if (this.peek() == 0x65 || this.peek() == 0x45) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      if (!this.digits()) return null;
    }
    const value = new Value();
    value.kind = Kind.Number;
    value.text = this.text.substring(start, this.at);
    return value;
  }

  private digits(): bool {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > start;
  }

  private string(): Value | null {
    if (this.peek() != 0x22) return null;
    this.at++;
    let text = "";
    let start = this.at;
    while (true) {
      const unit = this.peek();
      if (unit < 0x20) return null;
      if (unit != 0x22 && unit != 0x5c) {
        this.at++;
        continue;
      }
      text += this.text.substring(start, this.at);
      this.at++;
      if (unit == 0x22) return Value.string(text);
      const escaped = this.escape();
      if (escaped < 0) return null;
      text += String.fromCharCode(escaped);
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

/** A text as a JSON string, quotes and all. A lone surrogate becomes U+FFFD. */
export function quote(text: string): string {
  let out = '"';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00 && isLow(text, i + 1)) {
      i++;
      continue;
    }
    const isLone = unit >= 0xd800 && unit < 0xe000;
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c && !isLone) continue;
    out += text.substring(start, i);
    start = i + 1;
    if (isLone) out += "\ufffd";
    else if (unit < 0x20) out += "\\u00" + (unit >> 4).toString(16) + (unit & 15).toString(16);
    else out += "\\" + String.fromCharCode(unit);
  }
  return out + text.substring(start) + '"';
}

function isLow(text: string, at: i32): bool {
  if (at >= text.length) return false;
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The UTF-8 of a text in base64: how JSON has bytes. */
export function base64(text: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let out = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const three = (<u32>bytes[at] << 16) | (left > 1 ? <u32>bytes[at + 1] << 8 : 0) | (left > 2 ? <u32>bytes[at + 2] : 0);
    for (let digit = 0; digit < 4; digit++) {
      out += digit <= left ? DIGITS.charAt(<i32>((three >> (18 - 6 * digit)) & 63)) : "=";
    }
  }
  return out;
}
