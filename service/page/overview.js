// The document's themes at a glance: as a whole, section by section and, with several documents, file by file.

import { byId, element, replace } from "./element.js";
import { comparableRegions } from "./labelled_document.js";
import { words } from "./language.js";
import { comparisonBars, documentBars, figureTable } from "./theme_chart.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */
/** @typedef {import("./theme_chart.js").Row} Row */

const MOST_ROWS = 24;
const SIDE_BY_SIDE = 760; // pixels from which two charts stand next to each other
const WHOLE = 0.4; // share of the width for the document as a whole, there

export class Overview {
  /** @param {import("./theme_label.js").ThemeLabels} labels */
  constructor(labels) {
    this.labels = labels;
    this.root = byId("charts", HTMLElement);
    /** @type {LabelledDocument | null} */
    this.labelled = null;
    /** @type {LabelledDocument[]} */
    this.all = [];
    let width = 0;
    new ResizeObserver(() => {
      if (this.root.clientWidth === width) return;
      width = this.root.clientWidth;
      this.draw();
    }).observe(this.root);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-size"] });
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {LabelledDocument[]} all
   */
  show(labelled, all) {
    this.labelled = labelled;
    this.all = all;
    this.draw();
  }

  draw() {
    const { labelled, labels } = this;
    const width = this.root.clientWidth;
    if (!labelled || width === 0) return;
    const regions = this.regionRows(labelled);
    const beside = width >= SIDE_BY_SIDE && regions.length > 1;
    const wholeWidth = beside ? Math.floor(width * WHOLE) - 24 : Math.min(width, 640);
    const whole = labelled.counts();
    const open = new Set([...this.root.querySelectorAll("details[open]")].map((table) => /** @type {HTMLElement} */ (table).dataset.chart));
    const figures = [figure("document", words("ofDocument"), documentBars(labels, whole, wholeWidth), figureTable(labels, [{ name: labelled.name, counts: whole }], words("file")))];
    if (regions.length > 1) {
      figures.push(this.comparison("regions", regions, words("region"), beside ? width - wholeWidth - 24 : width));
    }
    if (this.all.length > 1) {
      const files = this.all.slice(0, MOST_ROWS).map((other) => ({ name: other.name, counts: other.counts() }));
      figures.push(this.comparison("files", files, words("file"), width));
    }
    for (const made of figures) {
      const table = /** @type {HTMLDetailsElement} */ (made.querySelector("details"));
      table.open = open.has(table.dataset.chart);
    }
    this.root.classList.toggle("beside", beside);
    replace(this.root, ...figures);
  }

  /**
   * @param {"regions" | "files"} kind
   * @param {Row[]} rows
   * @param {string} first
   * @param {number} width
   */
  comparison(kind, rows, first, width) {
    const title = words(kind === "regions" ? "ofRegions" : "ofFiles");
    return figure(kind, title, comparisonBars(this.labels, rows, width, title), figureTable(this.labels, rows, first));
  }

  /**
   * @param {LabelledDocument} labelled
   * @returns {Row[]}
   */
  regionRows(labelled) {
    const regions = comparableRegions(labelled.regions);
    const rows = regions.slice(0, MOST_ROWS).map((region) => ({ name: region.text, counts: labelled.counts(region.paragraphs) }));
    const rest = regions.slice(MOST_ROWS);
    if (rest.length) rows.push({ name: words("otherRegions", { n: rest.length }), counts: labelled.counts(rest.flatMap((region) => region.paragraphs)) });
    return rows;
  }
}

/**
 * @param {string} kind
 * @param {string} title
 * @param {SVGSVGElement} drawing
 * @param {HTMLTableElement} table
 */
function figure(kind, title, drawing, table) {
  const scroller = element("div", { class: "table", tabindex: 0, role: "group", "aria-label": title }, table);
  const details = element("details", { "data-chart": kind }, element("summary", {}, words("table")), scroller);
  return element("figure", { class: `figure-${kind}` }, element("figcaption", {}, title), drawing, details);
}
