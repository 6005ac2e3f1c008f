// Which paragraphs to show: by theme (any or all of them), without theme, to review, reviewed, and by a search text.

import { byId, element, replace } from "./element.js";
import { words } from "./language.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */

const NONE = "none"; // no theme, beside the ids of themes
const TYPING_PAUSE = 150; // milliseconds
const HIGHLIGHT = "found";

/** Fires `change` when another choice of paragraphs is wanted. */
export class Filters extends EventTarget {
  /** @param {import("./theme_label.js").ThemeLabels} labels */
  constructor(labels) {
    super();
    this.labels = labels;
    /** @type {Set<string>} */
    this.themes = new Set();
    this.needsAll = false;
    this.uncertain = false;
    this.reviewed = false;
    this.needle = "";
    this.search = byId("search", HTMLInputElement);
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.needle = this.search.value.trim().toLowerCase();
        this.tell();
      }, TYPING_PAUSE);
    });
    for (const mode of ["any", "all"]) {
      byId(`mode-${mode}`, HTMLInputElement).addEventListener("change", () => {
        this.needsAll = mode === "all";
        this.tell();
      });
    }
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.clear());
  }

  get isActive() {
    return this.themes.size > 0 || this.uncertain || this.reviewed || this.needle !== "";
  }

  /** The one theme that is asked for, whose evidence is worth showing. */
  get onlyTheme() {
    const [theme] = this.themes;
    return this.themes.size === 1 && theme !== NONE ? theme : null;
  }

  clear() {
    this.themes.clear();
    this.uncertain = this.reviewed = false;
    this.needle = this.search.value = "";
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Whether a paragraph is to be shown.
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  fits(labelled, index) {
    if (this.uncertain && !labelled.isUncertain(index)) return false;
    if (this.reviewed && !labelled.isReviewed(index)) return false;
    if (this.needle && !labelled.paragraphs[index].text.toLowerCase().includes(this.needle)) return false;
    if (this.themes.size === 0) return true;
    const given = labelled.themesOf(index);
    const has = (/** @type {string} */ theme) => (theme === NONE ? given.length === 0 : given.includes(theme));
    return this.needsAll ? [...this.themes].every(has) : [...this.themes].some(has);
  }

  /**
   * Draw the choices with the number of paragraphs behind each.
   * @param {LabelledDocument} labelled
   */
  show(labelled) {
    const counts = labelled.counts();
    const root = byId("theme-filters", HTMLElement);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.filter;
    const theme = (/** @type {string} */ id) => () => {
      if (!this.themes.delete(id)) this.themes.add(id);
      this.tell();
    };
    const choices = this.labels.themes.map(({ id }) =>
      choice(id, this.labels.parts(id), counts.themes.get(id) ?? 0, this.themes.has(id), theme(id), this.labels.style(id)),
    );
    choices.push(choice(NONE, [words("none")], counts.none, this.themes.has(NONE), theme(NONE)));
    choices.push(
      choice("uncertain", [words("uncertain")], counts.uncertain, this.uncertain, () => {
        this.uncertain = !this.uncertain;
        this.tell();
      }, "review"),
    );
    if (counts.corrected || this.reviewed) {
      choices.push(
        choice("reviewed", [words("reviewed")], counts.corrected, this.reviewed, () => {
          this.reviewed = !this.reviewed;
          this.tell();
        }),
      );
    }
    replace(root, ...choices);
    byId("mode", HTMLElement).hidden = this.themes.size < 2;
    byId("clear", HTMLButtonElement).hidden = !this.isActive;
    choices.find((made) => made.dataset.filter === focused)?.focus({ preventScroll: true });
  }

  /**
   * Mark what was searched for, without touching the document: as a highlight, where the browser knows them.
   * @param {HTMLElement[]} paragraphs
   */
  highlight(paragraphs) {
    if (!("highlights" in CSS)) return;
    CSS.highlights.delete(HIGHLIGHT);
    if (!this.needle) return;
    const ranges = paragraphs.filter((paragraph) => !paragraph.hidden).flatMap((paragraph) => occurrences(paragraph.querySelector(".text"), this.needle));
    CSS.highlights.set(HIGHLIGHT, new Highlight(...ranges));
  }
}

/**
 * @param {string} id
 * @param {(Node | string)[]} name
 * @param {number} count
 * @param {boolean} pressed
 * @param {() => void} onclick
 * @param {string} [style]
 */
function choice(id, name, count, pressed, onclick, style = "") {
  return element(
    "button",
    { type: "button", class: `choice ${style}`, "data-filter": id, "aria-pressed": String(pressed), onclick },
    ...name,
    element("span", { class: "count" }, String(count)),
  );
}

/**
 * @param {Element | null} text
 * @param {string} needle in lower case
 * @returns {Range[]}
 */
function occurrences(text, needle) {
  if (!text) return [];
  /** @type {{node: Text, start: number}[]} */
  const nodes = [];
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let length = 0;
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    nodes.push({ node, start: length });
    length += node.length;
  }
  const whole = (text.textContent ?? "").toLowerCase();
  if (whole.length !== length) return []; // a few letters change their length in lower case
  const at = (/** @type {number} */ offset) => nodes.findLast(({ start }) => start <= offset) ?? nodes[0];
  const ranges = [];
  for (let found = whole.indexOf(needle); found >= 0; found = whole.indexOf(needle, found + needle.length)) {
    const range = new Range();
    const first = at(found);
    const last = at(found + needle.length - 1);
    range.setStart(first.node, found - first.start);
    range.setEnd(last.node, found + needle.length - last.start);
    ranges.push(range);
  }
  return ranges;
}
