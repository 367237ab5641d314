import { computed, ref, watchEffect } from "vue";
import { recall, remember } from "./store";
import { choose, words } from "./words";

const language = ref(choose(recall("damso.language"), navigator.languages));

const formats = computed(() => ({
  time: new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit" }),
  day: new Intl.DateTimeFormat(language.value, { dateStyle: "full" }),
}));

watchEffect(() => {
  document.documentElement.lang = language.value;
});

/** The page's language, its words, and how times and days are written in it. */
export function useLanguage() {
  return {
    language,
    t: computed(() => words[language.value]),
    time: (at: number) => formats.value.time.format(at),
    day: (at: number) => formats.value.day.format(at),
    toggle() {
      language.value = language.value === "ko" ? "en" : "ko";
      remember("damso.language", language.value);
    },
  };
}
