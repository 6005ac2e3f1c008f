// Bars of themes, drawn as SVG: one theme under the other for a document, and one row a section or file. A table says the same in figures.

import { element, svgElement } from "./element.js";
import { words } from "./language.js";

/** @typedef {import("./labelled_document.js").Counts} Counts */
/** @typedef {import("./theme_label.js").ThemeLabels} ThemeLabels */
/** @typedef {{name: string, counts: Counts}} Row */

const ROW = 26; // units of the drawing: pixels at the usual text size, larger with larger text
const BAR = 12;
const GAP = 8;
const FIGURE = 96; // room for “123 段 · 100%”
const NARROW = 560;
const IDEOGRAPH = 13; // the size of text in a drawing
const LETTER = 7.5;
const USUAL_SIZE = 16; // of the page's text, in pixels

/**
 * The themes of one document: a bar each, and one for the paragraphs without any.
 * @param {ThemeLabels} labels
 * @param {Counts} counts
 * @param {number} pixels how wide
 */
export function documentBars(labels, counts, pixels) {
  const width = pixels / scale();
  const rows = labels.themes.map(({ id }) => ({ name: labels.name(id), style: labels.style(id), count: counts.themes.get(id) ?? 0, drawn: true }));
  const nameWidth = Math.min(150, width * 0.34);
  const room = Math.max(20, width - nameWidth - FIGURE - 2 * GAP);
  const most = Math.max(1, ...rows.map((row) => row.count));
  rows.push({ name: words("none"), style: "", count: counts.none, drawn: false }); // most have none: a bar of theirs would dwarf the others
  const drawing = drawingOf(width, rows.length * ROW, words("chartLabel", { name: words("ofDocument"), figures: figures(labels, counts) }));
  rows.forEach((row, position) => {
    const middle = position * ROW + ROW / 2;
    const length = row.drawn && row.count ? Math.max(2, (row.count / most) * room) : 0;
    const percent = counts.all ? Math.round((row.count / counts.all) * 100) : 0;
    const group = svgElement("g", { class: row.style });
    group.append(
      name(row.name, nameWidth, middle, "end"),
      svgElement("rect", { class: "bar", x: nameWidth + GAP, y: middle - BAR / 2, width: length, height: BAR, rx: 2 }),
      svgElement("text", { class: "figure", x: nameWidth + GAP + length + (length ? GAP : 0), y: middle, "dominant-baseline": "central" }, words("share", { n: row.count, percent })),
    );
    drawing.append(group);
  });
  return drawing;
}

/**
 * Sections, or files, in rows; the themes in columns, all bars to one scale.
 * @param {ThemeLabels} labels
 * @param {Row[]} rows
 * @param {number} pixels how wide
 * @param {string} title
 */
export function comparisonBars(labels, rows, pixels, title) {
  const width = pixels / scale();
  const narrow = width < NARROW;
  const nameWidth = narrow ? 0 : Math.round(width * 0.36);
  const rowHeight = narrow ? ROW * 1.8 : ROW;
  const column = (width - nameWidth) / labels.themes.length;
  const room = column - 30; // the figure stands behind the bar
  const most = Math.max(1, ...rows.flatMap(({ counts }) => [...counts.themes.values()]));
  const summary = rows.map((row) => `${row.name}：${figures(labels, row.counts)}`).join("；");
  const drawing = drawingOf(width, ROW + rows.length * rowHeight, words("chartLabel", { name: title, figures: summary }));
  labels.themes.forEach(({ id }, place) => {
    const title = name(labels.name(id), nameWidth + place * column + GAP, ROW / 2, "start", narrow ? column - 2 : column);
    title.classList.add("column-title");
    drawing.append(title);
  });
  rows.forEach((row, position) => {
    const top = ROW + position * rowHeight;
    const middle = narrow ? top + rowHeight - ROW / 2 : top + ROW / 2;
    drawing.append(svgElement("line", { class: "rule", x1: 0, x2: width, y1: top, y2: top }));
    drawing.append(name(row.name, 0, narrow ? top + ROW * 0.45 : middle, "start", narrow ? width : nameWidth - GAP));
    labels.themes.forEach(({ id }, place) => {
      const count = row.counts.themes.get(id) ?? 0;
      const left = nameWidth + place * column + GAP;
      const length = (count / most) * room;
      const group = svgElement("g", { class: labels.style(id) });
      if (count) group.append(svgElement("rect", { class: "bar", x: left, y: middle - BAR / 2, width: Math.max(2, length), height: BAR, rx: 2 }));
      const figure = svgElement("text", { class: count ? "figure" : "figure zero", x: count ? left + length + 4 : left, y: middle, "dominant-baseline": "central" }, count ? String(count) : "·");
      group.append(figure);
      drawing.append(group);
    });
  });
  return drawing;
}

/**
 * @param {ThemeLabels} labels
 * @param {Row[]} rows
 * @param {string} first title of the column that names the rows
 */
export function figureTable(labels, rows, first) {
  const header = element("tr", {}, heading(first, "col"), heading(words("paragraphs"), "col"));
  for (const { id } of labels.themes) header.append(heading(labels.name(id), "col"));
  header.append(heading(words("none"), "col"), heading(words("uncertain"), "col"));
  const body = element("tbody");
  for (const { name, counts } of rows) {
    const line = element("tr", {}, heading(name, "row"), cell(counts.all));
    for (const { id } of labels.themes) line.append(cell(counts.themes.get(id) ?? 0));
    line.append(cell(counts.none), cell(counts.uncertain));
    body.append(line);
  }
  return element("table", {}, element("thead", {}, header), body);
}

/**
 * @param {string} text
 * @param {"col" | "row"} scope
 */
const heading = (text, scope) => element("th", { scope }, text);

/** @param {number} count */
const cell = (count) => element("td", {}, String(count));

/**
 * @param {ThemeLabels} labels
 * @param {Counts} counts
 */
function figures(labels, counts) {
  const themes = labels.themes.map(({ id }) => words("figure", { theme: labels.name(id), n: counts.themes.get(id) ?? 0 }));
  return [...themes, words("figure", { theme: words("none"), n: counts.none })].join("，");
}

/**
 * @param {number} width
 * @param {number} height
 * @param {string} label
 */
function drawingOf(width, height, label) {
  return svgElement("svg", { class: "chart", width: width * scale(), height: height * scale(), viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {"start" | "end"} anchor
 * @param {number} [room] a longer text is cut
 */
function name(text, x, y, anchor, room = Infinity) {
  const cut = shortened(text, room);
  return svgElement("text", { class: "name", x, y, "text-anchor": anchor, "dominant-baseline": "central" }, cut, cut === text ? null : svgElement("title", {}, text));
}

/**
 * @param {string} text
 * @param {number} room
 */
function shortened(text, room) {
  const characters = Array.from(text);
  let left = room;
  const fitting = characters.findIndex((character) => (left -= character > "\u2e80" ? IDEOGRAPH : LETTER) < 0);
  return fitting < 0 ? text : `${characters.slice(0, Math.max(1, fitting - 1)).join("")}…`;
}

const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_SIZE;
