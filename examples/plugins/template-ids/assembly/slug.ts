// How does a title become part of a URL?

// The letters of Latin-1 and Latin Extended-A that aren't their base letter, in pairs of what's
// found and what's written. One that isn't here is written as a separator.
const FOLDED: StaticArray<string> = [
  "àáâãåāăą", "a", "äæ", "ae", "çćĉċč", "c", "ďđð", "d", "èéêëēĕėęě", "e", "ĝğġģ", "g", "ĥħ", "h",
  "ìíîïĩīĭįı", "i", "ĵ", "j", "ķ", "k", "ĺļľŀł", "l", "ñńņňŋ", "n", "òóôõōŏő", "o", "öøœ", "oe",
  "ŕŗř", "r", "śŝşšș", "s", "ß", "ss", "ţťŧț", "t", "þ", "th", "ùúûũūŭůűų", "u", "ü", "ue",
  "ŵ", "w", "ýÿŷ", "y", "źżž", "z",
];

/** `text` in lower-case ASCII letters and digits, with single hyphens between words. May be empty. */
export function slug(text: string): string {
  const lower = text.toLowerCase();
  let out = "";
  let gap = false;
  for (let i = 0; i < lower.length; i++) {
    const written = fold(lower.charAt(i));
    if (written == "'") continue;
    if (written.length == 0) {
      gap = out.length > 0;
      continue;
    }
    if (gap) out += "-";
    gap = false;
    out += written;
  }
  return out;
}

/** How a letter is written; empty for a separator, `'` for what vanishes: apostrophes and combining marks. */
function fold(letter: string): string {
  const unit = letter.charCodeAt(0);
  if ((unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39)) return letter;
  if (letter == "'" || unit == 0x2019 || (unit >= 0x300 && unit < 0x370)) return "'";
  if (unit < 0x80) return "";
  for (let i = 0; i < FOLDED.length; i += 2) {
    if (FOLDED[i].includes(letter)) return FOLDED[i + 1];
  }
  return "";
}
