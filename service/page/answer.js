// What the service answers, as types for editors and checkers.

/** @typedef {{id: string, name_zh: string, name_en: string, definition: string}} Theme */
/** @typedef {{text: string, start: number, end: number, weight: number}} Term offsets count code points of the paragraph's text */
/** @typedef {{theme: string, text: string, start: number, end: number, terms: Term[]}} Evidence */
/**
 * @typedef {object} Place where something stands in its file; which of these there are depends on the kind of file
 * @property {string} [file]
 * @property {[number, number]} [lines]
 * @property {[number, number]} [pages]
 * @property {string | null} [sheet]
 * @property {number} [row]
 * @property {Record<string, unknown>} [columns]
 */
/**
 * @typedef {object} ParagraphLabel
 * @property {number} paragraph
 * @property {string[]} headings
 * @property {string} text
 * @property {string[]} themes
 * @property {string} primary
 * @property {Record<string, number>} scores
 * @property {string[]} uncertain
 * @property {Evidence[]} evidence
 */
/** @typedef {Place & ParagraphLabel} Paragraph */
/** @typedef {Place & {kind: "heading" | "byline" | "furniture", text: string, headings: string[]}} AsideBlock */
/** @typedef {{kind: "paragraph", result: number}} ParagraphBlock */
/** @typedef {{file: string, line: number | null, page: number | null, kind: string, message: string}} Refusal */
/** @typedef {{model: string, results: Paragraph[], blocks: (AsideBlock | ParagraphBlock)[], refusals: Refusal[]}} DocumentAnswer */
/** @typedef {{kind: "file", name: string, file: File, textColumn?: string} | {kind: "text", name: string, text: string}} Source what the user gave */

export const NO_THEME = "other"; // the `primary` of a paragraph that no theme leads
