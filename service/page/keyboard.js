// Shortcuts of one key. They rest while someone types, and can be turned off: speech input and slips of the hand trigger them too.

import { keep, kept } from "./settings.js";

/** @typedef {import("./document_view.js").DocumentView} DocumentView */

/**
 * @param {object} parts
 * @param {DocumentView} parts.view
 * @param {HTMLInputElement} parts.search
 * @param {HTMLInputElement} parts.toggle whether single keys are wanted
 * @param {string[]} parts.themes
 * @param {() => void} parts.showHelp
 */
export function listenToKeys({ view, search, toggle, themes, showHelp }) {
  toggle.checked = kept("single-keys") !== "off";
  toggle.addEventListener("change", () => keep("single-keys", toggle.checked ? "on" : "off"));
  const isUncertain = (/** @type {number} */ index) => view.labelled?.isUncertain(index) ?? false;
  /** @type {Record<string, () => void>} */
  const actions = {
    j: () => view.move(1),
    k: () => view.move(-1),
    n: () => view.move(1, isUncertain),
    p: () => view.move(-1, isUncertain),
    e: () => view.perform("correct"),
    y: () => view.perform("confirm"),
    u: () => view.perform("undo"),
    c: () => view.perform("copy"),
    "/": () => search.focus(),
    "?": showHelp,
  };
  themes.slice(0, 9).forEach((theme, place) => (actions[place + 1] = () => view.toggleTheme(theme)));

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape") {
      if (target === search) search.blur();
      else if (view.closeInnermost()) event.preventDefault();
      return;
    }
    if (target.closest("input, textarea, select")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && target.matches(".paragraph")) {
      event.preventDefault();
      return view.move(/** @type {1 | -1} */ (step));
    }
    const action = toggle.checked && view.root.offsetParent ? actions[event.key] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
