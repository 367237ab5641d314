import { onScopeDispose, ref, type ShallowRef, watch, watchEffect } from "vue";
import type { Entry } from "../chat/log";

const TITLE = "담소 Damso";

/** Puts the number of messages that came while the page was out of sight into its title. */
export function useUnreadTitle(entries: ShallowRef<readonly Entry[]>) {
  const hidden = ref(document.hidden);
  const unread = ref(0);

  function onVisibility() {
    hidden.value = document.hidden;
    if (!hidden.value) unread.value = 0;
  }
  document.addEventListener("visibilitychange", onVisibility);
  onScopeDispose(() => document.removeEventListener("visibilitychange", onVisibility));

  let seen = 0;
  watch(entries, (log) => {
    if (hidden.value) unread.value += log.filter((e) => e.kind === "message" && !e.own && e.id > seen).length;
    seen = log.at(-1)?.id ?? seen;
  });
  watchEffect(() => {
    document.title = unread.value > 0 ? `(${unread.value}) ${TITLE}` : TITLE;
  });
}
