// Where a paragraph stands in its file, in words.

import { words } from "./language.js";

/**
 * @param {import("./answer.js").Place} place
 * @returns {string} empty where the file has no places to name
 */
export function placeText(place) {
  if (place.lines) return range("line", place.lines);
  if (place.pages) return range("page", place.pages);
  if (place.row === undefined) return "";
  return place.sheet ? words("sheetRow", { sheet: place.sheet, row: place.row }) : words("row", { row: place.row });
}

/**
 * @param {"line" | "page"} unit
 * @param {[number, number]} bounds
 */
function range(unit, [first, last]) {
  return first === last ? words(unit, { first }) : words(`${unit}s`, { first, last });
}
