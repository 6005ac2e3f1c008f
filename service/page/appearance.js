// Runs before the first paint: language, colours and text size as they were left. A plain script, since modules run later.
"use strict";
(() => {
  const root = document.documentElement;
  /** @param {string} name @param {string[]} values the first where none was kept @returns {string} */
  const kept = (name, values) => {
    try {
      const value = localStorage.getItem(`policy-themes.${name}`);
      return value !== null && values.includes(value) ? value : values[0];
    } catch {
      return values[0]; // storage can be forbidden
    }
  };
  const darkScreen = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const choice = root.dataset.colourChoice;
    root.dataset.colours = choice === "auto" ? (darkScreen.matches ? "dark" : "light") : choice;
  };
  root.lang = kept("language", ["zh-CN", "en"]);
  root.dataset.size = kept("size", ["normal", "large", "larger"]);
  root.dataset.colourChoice = kept("colours", ["auto", "light", "dark"]);
  apply();
  darkScreen.addEventListener("change", apply);
  new MutationObserver(apply).observe(root, { attributeFilter: ["data-colour-choice"] });
})();
