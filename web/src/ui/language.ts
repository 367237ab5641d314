import { computed, ref, watchEffect } from "vue";
import { recall, remember } from "./store";
import { type Language, words } from "./words";

/** The language to start with: the remembered one, else the first of the browser's that we speak. */
export function choose(remembered: string | null, preferred: readonly string[]): Language {
  for (const tag of [remembered ?? "", ...preferred]) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "ko" || language === "en") return language;
  }
  return "en";
}

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
