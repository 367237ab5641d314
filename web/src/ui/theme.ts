import { ref, watchEffect } from "vue";
import { recall, remember } from "./store";

export type Theme = "light" | "dark";

// The browser's bars around the page: --paper of either theme.
const paper: Record<Theme, string> = { light: "#f4eee1", dark: "#12151a" };

/** The theme to show: the chosen one, else the system's. */
export function resolve(chosen: string | null, systemDark: boolean): Theme {
  if (chosen === "light" || chosen === "dark") return chosen;
  return systemDark ? "dark" : "light";
}

/** What to remember of a choice: choosing what the system has means following the system again. */
export function toStore(choice: Theme, systemDark: boolean): Theme | null {
  return choice === resolve(null, systemDark) ? null : choice;
}

/** The page's theme. Call once. */
export function useTheme() {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = ref(resolve(recall("damso.theme"), system.matches));

  system.addEventListener("change", () => {
    theme.value = resolve(recall("damso.theme"), system.matches);
  });
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value;
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      meta.content = paper[theme.value];
    }
  });

  function toggle() {
    theme.value = theme.value === "dark" ? "light" : "dark";
    remember("damso.theme", toStore(theme.value, system.matches));
  }
  return { theme, toggle };
}
