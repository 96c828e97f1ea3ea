// Runs before the first paint, so that a remembered theme does not flash. Not a module: those run later.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // a browser that blocks storage uses the system's theme
}
