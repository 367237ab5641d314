import { nextTick, onMounted, onScopeDispose, ref, type Ref, watch, type WatchSource } from "vue";

/** Nearer to the end than this many pixels counts as being there. */
const NEAR = 48;

/**
 * Keeps a scrolling element at its end while the reader is at its end, and
 * leaves it alone while the reader has scrolled up. `changes` is what the
 * element shows.
 */
export function useStickToBottom(scroller: Ref<HTMLElement | null>, changes: WatchSource) {
  const atBottom = ref(true);

  function toBottom() {
    const el = scroller.value;
    el?.scrollTo({ top: el.scrollHeight, behavior: "instant" });
  }

  function stay() {
    if (atBottom.value) toBottom();
  }

  function onScroll() {
    const el = scroller.value;
    if (el) atBottom.value = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR;
  }

  // In the same step as the change itself: a scroll event that comes between
  // would take the new line below for a reader who has scrolled up.
  watch(changes, stay, { flush: "post" });

  // A phone's keyboard takes half the height away: the newest line stays in sight.
  const observer = new ResizeObserver(stay);
  onMounted(() => {
    if (scroller.value) observer.observe(scroller.value);
  });
  onScopeDispose(() => observer.disconnect());

  return { atBottom, onScroll, toBottom: () => nextTick(toBottom) };
}
