// The documents that were given, each with its state: how far it has come, how many paragraphs it has, or what was wrong.

import { element } from "./element.js";
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
    /** @type {Map<Item, HTMLElement>} */
    this.entries = new Map();
  }

  /** @param {Item | null} shown */
  show(shown) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
    const before = this.entries;
    this.entries = new Map(this.queue.items.map((item) => [item, this.entry(item, item === shown)]));
    for (const [item, old] of before) {
      const made = this.entries.get(item);
      if (!made) old.remove();
      else if (old.isEqualNode(made)) this.entries.set(item, old); // another file's progress must not close a list of columns that is open
      else old.replaceWith(made);
    }
    this.root.append(...[...this.entries.values()].filter((entry) => !entry.isConnected)); // items only ever come last
    if (focused) this.focus(focused);
  }

  /** @param {string} key */
  focus(key) {
    const wanted = /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-key="${key}"]`));
    if (wanted !== document.activeElement) wanted?.focus({ preventScroll: true });
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
    if (offersColumns(item)) entry.append(this.columnChoice(item));
    return entry;
  }

  /**
   * What a table is sent again with, once its reader has chosen the column of the text.
   * @param {Item} item
   */
  columnChoice(item) {
    const { source } = item;
    const columns = item.problem?.columns ?? [];
    const id = `column-of-${item.id}`;
    const choose = () => {
      if (source.kind === "file") source.textColumn = list.value; // kept with the file: the list may be drawn anew
    };
    const options = columns.map((name) => element("option", { value: name }, name));
    const list = element("select", { id, "data-key": `column-${item.id}`, lang: "zh-CN", onchange: choose }, ...options);
    const chosen = source.kind === "file" && source.textColumn;
    if (chosen && columns.includes(chosen)) list.value = chosen;
    const use = () => {
      choose();
      this.queue.retry(item);
      this.focus(`open-${item.id}`); // the button is gone
    };
    return element(
      "div",
      { class: "column-choice", role: "group", "aria-label": source.name },
      element("label", { for: id }, words("textColumn")),
      list,
      button("useColumn", item, use),
    );
  }
}

/**
 * Whether the file waits for its reader to say which column holds the text.
 * @param {Item} item
 */
export const offersColumns = (item) => item.state === "failed" && item.source.kind === "file" && (item.problem?.columns.length ?? 0) > 0;

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
 * @param {"cancel" | "retry" | "remove" | "useColumn"} action
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
