// Labelled documents as a file to keep: one of them, or all. The service makes it from the documents, which the page still holds.

import { archived } from "./archive.js";
import { byId, element, replace } from "./element.js";
import { isEnglish, words } from "./language.js";
import { problemText } from "./problem_text.js";
import { downloadDocument } from "./service_client.js";

/** @typedef {import("./answer.js").Source} Source */
/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */
/** @typedef {{name: string, suffix: string, accept: string}} Format */

/** @type {Format[]} */
const FORMATS = [
  { name: "Excel", suffix: ".xlsx", accept: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
  { name: "CSV", suffix: ".csv", accept: "text/csv" },
  { name: "HTML", suffix: ".html", accept: "text/html" },
];

export class Downloads {
  /** @param {(message: string) => void} announce */
  constructor(announce) {
    this.announce = announce;
    this.root = byId("downloads", HTMLElement);
    this.note = byId("download-note", HTMLElement);
    /** @type {AbortController | null} */
    this.running = null;
  }

  /** @param {LabelledDocument} labelled */
  show(labelled) {
    const buttons = FORMATS.map((format) => this.button("downloadOf", format, labelled.name, () => Promise.resolve(labelled.source)));
    const corrected = labelled.counts().corrected;
    if (corrected) buttons.push(element("button", { type: "button", class: "download", onclick: () => saveCorrections(labelled) }, words("corrections")));
    replace(this.root, element("span", { class: "quiet" }, words("download")), ...buttons);
    this.tell(corrected ? words("correctionsHint", { n: corrected }) : "");
  }

  /** @param {LabelledDocument[]} all */
  showAll(all) {
    const root = byId("downloads-all", HTMLElement);
    root.hidden = all.length < 2;
    const name = words("allFiles");
    const together = () => archived(all.map(({ source }) => source), `${name}.zip`);
    replace(root, element("span", { class: "quiet" }, words("downloadAll")), ...FORMATS.map((format) => this.button("downloadAllOf", format, name, together)));
  }

  /**
   * @param {"downloadOf" | "downloadAllOf"} label
   * @param {Format} format
   * @param {string} name
   * @param {() => Promise<Source>} source
   */
  button(label, format, name, source) {
    const onclick = () => void this.fetch(source, fileName(name, format.suffix), format);
    return element("button", { type: "button", class: "download", "aria-label": words(label, { format: format.name }), onclick }, format.name);
  }

  /**
   * @param {() => Promise<Source>} source
   * @param {string} name
   * @param {Format} format
   */
  async fetch(source, name, format) {
    this.running?.abort();
    const control = (this.running = new AbortController());
    this.tell(words("downloading", { format: format.name }));
    try {
      save(await downloadDocument(await source(), format.accept, control.signal), name);
      this.tell(words("downloaded", { name }));
    } catch (problem) {
      if (!control.signal.aborted) this.tell(words("downloadFailed", { message: problemText(problem) }), true);
    }
  }

  /**
   * @param {string} message
   * @param {boolean} [isProblem]
   */
  tell(message, isProblem = false) {
    this.note.textContent = message;
    this.note.hidden = message === "";
    this.note.classList.toggle("problem", isProblem);
    if (message) this.announce(message);
  }
}

/** @param {LabelledDocument} labelled */
function saveCorrections(labelled) {
  const lines = [...labelled.corrections].map(([index, { themes, primary }]) => {
    const { text, themes: predicted, file, paragraph } = labelled.paragraphs[index];
    return JSON.stringify({ text, themes, ...(primary === null ? {} : { primary }), model: labelled.model, predicted, file: file ?? labelled.name, paragraph });
  });
  save(new Blob(lines.map((line) => `${line}\n`), { type: "application/x-ndjson" }), fileName(labelled.name, ".jsonl"));
}

/**
 * @param {string} name
 * @param {string} suffix
 */
function fileName(name, suffix) {
  const stem = name.replace(/\.[A-Za-z0-9]{1,8}$/, "").replace(/[\\/:*?"<>|\u0000-\u001f\u007f]/g, "_");
  return `${stem.slice(0, 80) || "document"}${isEnglish() ? "-" : "－"}${words("suffix")}${suffix}`;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // some browsers begin to read only after the click has returned
}
