// The card beside a paragraph that the pointer or the keyboard is on: each theme's probability, with the threshold from which it is given.

import { byId, element, replace, svgElement } from "./element.js";
import { words } from "./language.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */

const DELAY = 200; // milliseconds, so that a pointer on its way elsewhere opens nothing
const BAR = 100;
const GAP = 6; // pixels to the paragraph's notes and to the window's edge

export class ScoreCard {
  /**
   * @param {import("./theme_label.js").ThemeLabels} labels
   * @param {Record<string, number>} thresholds
   */
  constructor(labels, thresholds) {
    this.labels = labels;
    this.thresholds = thresholds;
    this.card = byId("scores", HTMLElement);
    this.timer = 0;
    /** @type {Element | null} */
    this.described = null;
    this.card.addEventListener("pointerenter", () => clearTimeout(this.timer));
    this.card.addEventListener("pointerleave", () => this.hide());
    addEventListener("scroll", () => this.follow(), { passive: true });
  }

  /**
   * @param {Element} paragraph
   * @param {LabelledDocument} labelled
   * @param {number} index
   * @param {{at_once?: boolean}} [options]
   */
  show(paragraph, labelled, index, { at_once = false } = {}) {
    clearTimeout(this.timer);
    if (this.described === paragraph) return;
    this.timer = setTimeout(() => this.open(paragraph, labelled, index), at_once ? 0 : DELAY);
  }

  get isOpen() {
    return !this.card.hidden;
  }

  hide() {
    clearTimeout(this.timer);
    this.card.hidden = true;
    this.described?.removeAttribute("aria-describedby");
    this.described = null;
  }

  hideSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), DELAY);
  }

  /**
   * @param {Element} paragraph
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  open(paragraph, labelled, index) {
    this.hide();
    replace(this.card, ...this.rows(labelled, index));
    this.card.hidden = false;
    paragraph.setAttribute("aria-describedby", this.card.id);
    this.described = paragraph;
    this.place(paragraph);
  }

  /** Scrolling takes the pointer off its paragraph, but not the focus. */
  follow() {
    if (this.described === null) return;
    if (this.described.contains(document.activeElement)) this.place(this.described);
    else this.hide();
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  rows(labelled, index) {
    const { scores } = labelled.paragraphs[index];
    const title = labelled.corrections.has(index) ? "scoresOfModel" : "scores";
    return [
      element("p", { class: "card-title" }, words(title)),
      ...this.labels.themes.map(({ id }) => {
        const given = labelled.paragraphs[index].themes.includes(id);
        const row = element("p", { class: `score ${this.labels.style(id)} ${given ? "given" : ""}` });
        row.append(element("span", { class: "score-name" }, ...this.labels.parts(id)), bar(scores[id] ?? 0, this.thresholds[id]), figure(scores[id] ?? 0));
        return row;
      }),
      element("p", { class: "card-note" }, words("threshold")),
    ];
  }

  /** @param {Element} paragraph */
  place(paragraph) {
    const notes = (paragraph.querySelector(".notes") ?? paragraph).getBoundingClientRect();
    const { width, height } = this.card.getBoundingClientRect();
    const below = notes.bottom + GAP + height < innerHeight;
    const top = below ? notes.bottom + GAP : Math.max(GAP, notes.top - GAP - height);
    this.card.style.left = `${Math.max(GAP, Math.min(notes.left, innerWidth - width - GAP))}px`;
    this.card.style.top = `${top}px`;
  }
}

/** @param {number} score */
const figure = (score) => element("span", { class: "score-figure" }, score.toFixed(2));

/**
 * @param {number} score
 * @param {number | undefined} threshold
 */
function bar(score, threshold) {
  const drawing = svgElement("svg", { class: "score-bar", viewBox: `0 0 ${BAR} 8`, preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(svgElement("rect", { class: "track", width: BAR, height: 8 }), svgElement("rect", { class: "filled", width: score * BAR, height: 8 }));
  if (threshold !== undefined) drawing.append(svgElement("rect", { class: "threshold", x: threshold * BAR - 0.6, width: 1.2, height: 8 }));
  return drawing;
}
