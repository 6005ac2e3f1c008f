// A paragraph's text with the evidence for a theme, and the terms that weighed most in it, marked.

import { element } from "./element.js";

/** @typedef {import("./answer.js").Evidence} Evidence */

/**
 * The text as nodes. The service counts offsets in code points, a browser in UTF-16 units: characters beyond U+FFFF count once here.
 * @param {string} text
 * @param {Evidence[]} evidence
 * @returns {Node[]}
 */
export function markedText(text, evidence) {
  const characters = Array.from(text);
  /** @type {Node[]} */
  const nodes = [];
  let reached = 0;
  const plain = (/** @type {number} */ end) => {
    if (end > reached) nodes.push(document.createTextNode(characters.slice(reached, end).join("")));
    reached = Math.max(reached, end);
  };
  for (const item of inOrder(evidence)) {
    if (item.start < reached) continue;
    plain(item.start);
    nodes.push(markedEvidence(characters, item));
    reached = item.end;
  }
  plain(characters.length);
  return nodes;
}

/**
 * @param {string[]} characters
 * @param {Evidence} evidence
 */
function markedEvidence(characters, evidence) {
  const mark = element("mark");
  let reached = evidence.start;
  for (const term of inOrder(evidence.terms)) {
    if (term.start < reached || term.end > evidence.end) continue;
    mark.append(characters.slice(reached, term.start).join(""));
    const weight = signed(term.weight);
    mark.append(element("b", { class: term.weight > 0 ? "term" : "term against", title: weight }, characters.slice(term.start, term.end).join("")));
    reached = term.end;
  }
  mark.append(characters.slice(reached, evidence.end).join(""));
  return mark;
}

/** @param {number} weight in logits */
export const signed = (weight) => `${weight < 0 ? "−" : "+"}${Math.abs(weight).toFixed(1)}`;

/**
 * @template {{start: number}} Stretch
 * @param {Stretch[]} stretches
 */
const inOrder = (stretches) => [...stretches].sort((one, other) => one.start - other.start);
