// The documents that were given, each with its state: how far it has come, how many paragraphs it has, or what was wrong.

import { element, replace } from "./element.js";
import { words } from "./language.js";
import { problemText } from "./problem_text.js";

/** @typedef {import("./upload.js").Item} Item */

export class FileList {
  /**
   * @param {HTMLElement} root
   * @param {import("./upload.js").UploadQueue} queue
   * @param {(item: Item) => void} open
   */
  constructor(root, queue, open) {
    this.root = root;
    this.queue = queue;
    this.open = open;
    this.drawn = "";
  }

  /** @param {Item | null} shown */
  show(shown) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
    replace(this.root, ...this.queue.items.map((item) => this.entry(item, item === shown)));
    if (focused) /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-key="${focused}"]`))?.focus({ preventScroll: true });
  }

  /**
   * @param {Item} item
   * @param {boolean} shown
   */
  entry(item, shown) {
    const { name } = item.source;
    const entry = element("li", { class: `file ${item.state}` });
    const opening = element(
      "button",
      { type: "button", class: "file-name", "data-key": `open-${item.id}`, "aria-current": shown ? "true" : null, onclick: () => this.open(item) },
      element("span", { class: "name" }, name),
      element("span", { class: "state" }, stateText(item)),
    );
    entry.append(opening);
    if (["sending", "labelling"].includes(item.state)) {
      entry.append(element("progress", { max: 1, value: item.state === "sending" ? item.progress : null, "aria-label": name }));
    }
    const running = ["waiting", "sending", "labelling", "busy"].includes(item.state);
    if (running) entry.append(button("cancel", item, () => this.queue.cancel(item)));
    else {
      if (item.state !== "done") entry.append(button("retry", item, () => this.queue.retry(item)));
      entry.append(button("remove", item, () => this.queue.remove(item)));
    }
    return entry;
  }
}

/** @param {Item} item */
export function stateText(item) {
  const state = words(`state_${item.state}`, {
    percent: Math.round(item.progress * 100),
    seconds: item.seconds,
    n: item.labelled?.paragraphs.length ?? 0,
  });
  return item.state === "failed" ? `${state}：${problemText(item.problem)}` : state;
}

/**
 * @param {"cancel" | "retry" | "remove"} action
 * @param {Item} item
 * @param {() => void} onclick
 */
function button(action, item, onclick) {
  return element(
    "button",
    { type: "button", class: `file-action ${action}`, "data-key": `${action}-${item.id}`, "aria-label": words(`${action}Of`, { name: item.source.name }), onclick },
    words(action),
  );
}
