// Where documents come in: pasted text, chosen files, files dropped anywhere on the page, and a sample.

import { byId } from "./element.js";
import { words } from "./language.js";
import { SAMPLE } from "./sample.js";

/** @typedef {import("./answer.js").Source} Source */

const LONGEST_TEXT = 2_000_000; // characters that the service takes as text; longer ones go as a file
const LONGEST_NAME = 40;

/** @param {(sources: Source[]) => void} take */
export function takeDocuments(take) {
  const area = byId("text", HTMLTextAreaElement);
  const chooser = byId("files-chosen", HTMLInputElement);
  const fault = byId("text-fault", HTMLElement);

  byId("start-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = area.value;
    if (!text.trim()) return area.focus();
    fault.textContent = text.length > LONGEST_TEXT ? words("pasteTooLong", { most: LONGEST_TEXT.toLocaleString() }) : "";
    fault.hidden = text.length <= LONGEST_TEXT;
    if (!fault.hidden) return;
    area.value = "";
    take([{ kind: "text", name: titleOf(text), text }]);
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("start-form", HTMLFormElement).requestSubmit();
  });
  byId("sample", HTMLButtonElement).addEventListener("click", () => take([{ kind: "text", name: words("sampleName"), text: SAMPLE }]));
  byId("choose", HTMLButtonElement).addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    take(filesOf(chooser.files));
    chooser.value = ""; // so that the same file can be chosen again
  });
  listenToDrops(take);
}

/** @param {(sources: Source[]) => void} take */
function listenToDrops(take) {
  const veil = byId("drop-veil", HTMLElement);
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = true;
    take(filesOf(event.dataTransfer?.files ?? null));
  });
}

/**
 * @param {FileList | null} files
 * @returns {Source[]}
 */
const filesOf = (files) => Array.from(files ?? [], (file) => ({ kind: "file", name: file.name, file }));

/**
 * A name for pasted text: its first line that is long enough to be a title.
 * @param {string} text
 */
function titleOf(text) {
  const lines = text.split("\n", 20).map((line) => line.trim());
  const title = lines.find((line) => line.length >= 4 && line.length <= LONGEST_NAME && !/[>。；：:]/.test(line));
  return title ?? words("pastedName");
}
