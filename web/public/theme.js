// Puts a remembered theme on the page before its first paint.
try {
  const theme = localStorage.getItem("damso.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // nothing is remembered here
}
