// localStorage, which a browser may refuse (private windows, policies): then
// nothing is remembered and everything else works.

type Key = "damso.name" | "damso.language" | "damso.theme";

export function recall(key: Key): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Remembers a value; null forgets it. */
export function remember(key: Key, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // not remembered
  }
}
