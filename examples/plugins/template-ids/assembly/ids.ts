// How are identifiers made? Each from the host's clock and randomness.

import { now, randomBytes } from "./host";

const HEX = "0123456789abcdef";
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const NANOID_ALPHABET = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";

/** A random UUID: version 4 of RFC 9562. */
export function uuid4(): string {
  return uuid(randomBytes(16), 4);
}

/** A UUID that sorts by time: version 7 of RFC 9562. */
export function uuid7(): string {
  const bytes = randomBytes(16);
  const ms = now();
  for (let i = 0; i < 6; i++) bytes[i] = <u8>(ms >> (40 - 8 * i));
  return uuid(bytes, 7);
}

/** Writes 16 bytes as a UUID, with its version and variant set. */
function uuid(bytes: StaticArray<u8>, version: u8): string {
  bytes[6] = (bytes[6] & 0x0f) | (version << 4);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  let out = "";
  for (let i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += "-";
    out += HEX.charAt(bytes[i] >> 4) + HEX.charAt(bytes[i] & 15);
  }
  return out;
}

/** A ULID: 48 bits of time, 80 of randomness, in Crockford's base 32. */
export function ulid(): string {
  let out = "";
  const ms = now();
  for (let shift = 45; shift >= 0; shift -= 5) out += CROCKFORD.charAt(<i32>((ms >> shift) & 31));
  // 16 bytes for 16 digits: five bits of each, so that none needs its neighbour.
  const bytes = randomBytes(16);
  for (let i = 0; i < 16; i++) out += CROCKFORD.charAt(bytes[i] & 31);
  return out;
}

/**
 * `size` characters of `alphabet` (2 to 256 code units), each as likely as any other: bytes that
 * would favour the first ones are thrown away.
 */
export function nanoid(size: i32, alphabet: string): string {
  const count = alphabet.length;
  const mask = (2 << (31 - clz(count - 1))) - 1;
  let out = "";
  while (out.length < size) {
    const bytes = randomBytes(size);
    for (let i = 0; i < size && out.length < size; i++) {
      const index = bytes[i] & mask;
      if (index < count) out += alphabet.charAt(index);
    }
  }
  return out;
}
