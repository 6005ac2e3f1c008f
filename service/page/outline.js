// The document's headings at its side, each with how many paragraphs below it have which theme.

import { element, replace } from "./element.js";
import { words } from "./language.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */
/** @typedef {import("./labelled_document.js").Region} Region */

const MOST_OPEN = 60; // entries that are open at first; deeper levels open at a click

export class Outline {
  /**
   * @param {HTMLElement} root
   * @param {import("./theme_label.js").ThemeLabels} labels
   * @param {(region: Region) => void} goTo
   */
  constructor(root, labels, goTo) {
    this.root = root;
    this.labels = labels;
    this.goTo = goTo;
    /** @type {LabelledDocument | null} */
    this.labelled = null;
    /** @type {Set<Region>} */
    this.open = new Set();
  }

  /** @param {LabelledDocument} labelled */
  show(labelled) {
    if (labelled !== this.labelled) this.open = openedAtFirst(labelled.regions);
    this.labelled = labelled;
    const list = labelled.regions.length ? this.list(labelled.regions) : element("p", { class: "quiet" }, words("outlineEmpty"));
    replace(this.root, list);
  }

  /**
   * @param {Region[]} regions
   * @returns {HTMLElement}
   */
  list(regions) {
    const list = element("ul", { class: "regions" });
    for (const region of regions) list.append(this.entry(region));
    return list;
  }

  /** @param {Region} region */
  entry(region) {
    const open = this.open.has(region);
    const entry = element("li", {});
    const line = element("div", { class: "region" });
    const toggle = element(
      "button",
      {
        type: "button",
        class: "twist",
        "aria-expanded": String(open),
        "aria-label": words(open ? "collapse" : "expand", { name: region.text }),
        onclick: () => this.toggle(region),
      },
      open ? "▾" : "▸",
    );
    line.append(region.regions.length ? toggle : element("span", { class: "twist" }));
    line.append(element("button", { type: "button", class: "region-name", onclick: () => this.goTo(region) }, element("span", { lang: "zh-CN" }, region.text), this.tallies(region)));
    entry.append(line);
    if (open && region.regions.length) entry.append(this.list(region.regions));
    return entry;
  }

  /** @param {Region} region */
  tallies(region) {
    const { themes } = /** @type {LabelledDocument} */ (this.labelled).counts(region.paragraphs);
    const tallies = element("span", { class: "tallies" });
    for (const { id } of this.labels.themes) {
      const count = themes.get(id);
      if (!count) continue;
      const name = element("span", { class: "visually-hidden" }, `${this.labels.name(id)} `);
      const marker = element("span", { class: "marker", "aria-hidden": "true" });
      tallies.append(element("span", { class: `tally ${this.labels.style(id)}`, title: `${this.labels.name(id)} ${count}` }, marker, name, `${count} `));
    }
    return tallies.childElementCount ? tallies : null;
  }

  /** @param {Region} region */
  toggle(region) {
    if (!this.open.delete(region)) this.open.add(region);
    const scrolled = this.root.scrollTop;
    if (this.labelled) this.show(this.labelled);
    this.root.scrollTop = scrolled;
    const label = words(this.open.has(region) ? "collapse" : "expand", { name: region.text });
    const twists = /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("button.twist"));
    [...twists].find((twist) => twist.getAttribute("aria-label") === label)?.focus({ preventScroll: true });
  }
}

/**
 * @param {Region[]} regions
 * @returns {Set<Region>}
 */
function openedAtFirst(regions) {
  /** @type {Set<Region>} */
  const open = new Set();
  let level = regions;
  let entries = regions.length;
  while (level.length) {
    const below = level.flatMap((region) => region.regions);
    entries += below.length;
    if (entries > MOST_OPEN) break;
    for (const region of level) open.add(region);
    level = below;
  }
  return open;
}
