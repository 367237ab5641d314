type Press = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "altKey" | "metaKey" | "isComposing" | "keyCode">;

/**
 * Whether a key press sends the message: Enter, but not Shift+Enter, and not
 * the Enter that finishes a Korean syllable. Safari reports that one after the
 * composition has ended, and keyCode 229 is all that tells it.
 */
export function sends(e: Press): boolean {
  if (e.key !== "Enter" || e.isComposing || e.keyCode === 229) return false;
  return !e.shiftKey && !e.altKey;
}

/** On a touch keyboard there is no Shift+Enter: Enter breaks the line there, and the button sends. */
export function enterSends(): boolean {
  return !window.matchMedia("(hover: none) and (pointer: coarse)").matches;
}
