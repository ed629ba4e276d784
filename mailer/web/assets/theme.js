// In <head>, before the style sheet: marks that scripts run; without a theme of the profile, follows the system.
document.documentElement.classList.add("js");
if (!document.documentElement.dataset.bsTheme) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", follow);
  follow();
}
