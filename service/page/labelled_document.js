// One document with its labels: the service's answer, the user's corrections on top of it, and what both add up to.

/** @typedef {import("./answer.js").DocumentAnswer} DocumentAnswer */
/** @typedef {import("./answer.js").Paragraph} Paragraph */
/** @typedef {import("./answer.js").Source} Source */

/**
 * @typedef {object} Correction a person's word on one paragraph
 * @property {string[]} themes in the model's order
 * @property {string | null} primary
 * @property {"waiting" | "sending" | "kept" | "failed" | "withdrawn"} state withdrawn: undone, and the model's label confirmed in its place
 * @property {string} key makes a repeated sending of the same correction count once
 * @property {string} message why it failed
 */

/**
 * @typedef {object} Region a heading and all that stands below it
 * @property {string} text
 * @property {number} depth
 * @property {number} block where it begins, among the document's blocks
 * @property {number[]} paragraphs of the whole region, as indices of `paragraphs`
 * @property {Region[]} regions
 */

/** @typedef {{themes: Map<string, number>, none: number, uncertain: number, corrected: number, all: number}} Counts */

export class LabelledDocument extends EventTarget {
  /**
   * @param {DocumentAnswer} answer
   * @param {Source} source
   */
  constructor(answer, source) {
    super();
    this.source = source;
    this.model = answer.model;
    this.blocks = answer.blocks;
    this.paragraphs = answer.results;
    this.refusals = answer.refusals ?? [];
    /** @type {Map<number, Correction>} */
    this.corrections = new Map();
    /** @type {number[]} */
    this.blockOf = [];
    this.blocks.forEach((block, position) => {
      if (block.kind === "paragraph") this.blockOf[block.result] = position;
    });
    this.regions = regionsOf(this);
  }

  get name() {
    return this.source.name;
  }

  /** @param {number} index */
  themesOf(index) {
    return this.corrections.get(index)?.themes ?? this.paragraphs[index].themes;
  }

  /**
   * @param {number} index
   * @returns {string | null} null: a person gave the themes, and did not say which leads
   */
  primaryOf(index) {
    const correction = this.corrections.get(index);
    return correction ? correction.primary : this.paragraphs[index].primary;
  }

  /**
   * Whether a person has said something else than the model, or that the model was right.
   * @param {number} index
   */
  isReviewed(index) {
    const correction = this.corrections.get(index);
    return correction !== undefined && correction.state !== "withdrawn";
  }

  /** @param {number} index */
  isUncertain(index) {
    return this.paragraphs[index].uncertain.length > 0 && !this.isReviewed(index);
  }

  /**
   * @param {number} index
   * @param {Correction | null} correction
   */
  correct(index, correction) {
    if (correction) this.corrections.set(index, correction);
    else this.corrections.delete(index);
    this.dispatchEvent(new CustomEvent("corrected", { detail: index }));
  }

  /**
   * @param {Iterable<number>} [indices] of paragraphs; all of them unless told
   * @returns {Counts}
   */
  counts(indices = this.paragraphs.keys()) {
    /** @type {Counts} */
    const counts = { themes: new Map(), none: 0, uncertain: 0, corrected: 0, all: 0 };
    for (const index of indices) {
      const themes = this.themesOf(index);
      for (const theme of themes) counts.themes.set(theme, (counts.themes.get(theme) ?? 0) + 1);
      counts.none += themes.length === 0 ? 1 : 0;
      counts.uncertain += this.isUncertain(index) ? 1 : 0;
      counts.corrected += this.isReviewed(index) ? 1 : 0;
      counts.all += 1;
    }
    return counts;
  }
}

/**
 * The regions of a document, outermost first. A heading block opens one; so does the heading that a paragraph opens with.
 * @param {LabelledDocument} labelled
 * @returns {Region[]}
 */
function regionsOf(labelled) {
  /** @type {Region[]} */
  const outermost = [];
  /** @type {Region[]} */
  let open = [];
  labelled.blocks.forEach((block, position) => {
    if (block.kind === "byline" || block.kind === "furniture") return;
    const paragraph = block.kind === "paragraph" ? labelled.paragraphs[block.result] : null;
    const path = block.kind === "heading" ? [...block.headings, block.text] : (paragraph?.headings ?? []);
    let shared = 0;
    while (shared < path.length && open[shared]?.text === path[shared]) shared += 1;
    if (block.kind === "heading") shared = Math.min(shared, path.length - 1); // a heading begins anew, even one that was there before
    open = open.slice(0, shared);
    for (const text of path.slice(shared)) {
      const region = { text, depth: open.length, block: position, paragraphs: [], regions: [] };
      (open.at(-1)?.regions ?? outermost).push(region);
      open.push(region);
    }
    if (block.kind === "paragraph") for (const region of open) region.paragraphs.push(block.result);
  });
  return outermost;
}

/**
 * The regions to compare in a chart: the outermost level that has at least two with paragraphs.
 * @param {Region[]} regions
 * @returns {Region[]}
 */
export function comparableRegions(regions) {
  const filled = regions.filter((region) => region.paragraphs.length > 0);
  if (filled.length !== 1) return filled;
  const within = comparableRegions(filled[0].regions);
  return within.length > 1 ? within : filled;
}
