import { nextTick, onMounted, onScopeDispose, ref, type Ref } from "vue";

/** Nearer to the end than this many pixels counts as being there. */
const NEAR = 48;

/**
 * Keeps a scrolling element at its end while the reader is at its end, and
 * leaves it alone while the reader has scrolled up.
 */
export function useStickToBottom(scroller: Ref<HTMLElement | null>, content: Ref<HTMLElement | null>) {
  const atBottom = ref(true);

  function toBottom(behavior: ScrollBehavior = "instant") {
    const el = scroller.value;
    el?.scrollTo({ top: el.scrollHeight, behavior });
  }

  function onScroll() {
    const el = scroller.value;
    if (el) atBottom.value = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR;
  }

  // Growth of the content and of the window alike: a phone's keyboard takes
  // half the height away, and the newest line stays in sight.
  const observer = new ResizeObserver(() => {
    if (atBottom.value) toBottom();
  });
  onMounted(() => {
    for (const el of [scroller.value, content.value]) if (el) observer.observe(el);
  });
  onScopeDispose(() => observer.disconnect());

  return { atBottom, onScroll, toBottom: () => nextTick(() => toBottom()) };
}
