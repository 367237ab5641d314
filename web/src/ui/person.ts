/** How many tones styles/people.css has. */
export const TONES = 6;

/** The tone of a name: the same name has the same one on every page. */
export function tone(name: string): number {
  let hash = 0;
  for (const c of name) hash = (Math.imul(hash, 31) + c.codePointAt(0)!) >>> 0;
  return hash % TONES;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The first letter, syllable or emoji of a name, for its seal. */
export function initial(name: string): string {
  for (const { segment } of graphemes.segment(name.trim())) return segment.toUpperCase();
  return "?";
}
