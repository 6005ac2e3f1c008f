// The labelled document as a file to keep. The service makes it from the document, which the page still holds.

import { byId, element, replace } from "./element.js";
import { isEnglish, words } from "./language.js";
import { problemText } from "./problem_text.js";
import { downloadDocument } from "./service_client.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */

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
    const buttons = FORMATS.map((format) =>
      element("button", { type: "button", class: "download", "aria-label": words("downloadOf", { format: format.name }), onclick: () => void this.fetch(labelled, format) }, format.name),
    );
    const corrected = labelled.counts().corrected;
    if (corrected) buttons.push(element("button", { type: "button", class: "download", onclick: () => saveCorrections(labelled) }, words("corrections")));
    replace(this.root, element("span", { class: "quiet" }, words("download")), ...buttons);
    this.tell(corrected ? words("correctionsHint", { n: corrected }) : "");
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {{name: string, suffix: string, accept: string}} format
   */
  async fetch(labelled, format) {
    this.running?.abort();
    const control = (this.running = new AbortController());
    this.tell(words("downloading", { format: format.name }));
    try {
      const blob = await downloadDocument(labelled.source, format.accept, control.signal);
      const name = fileName(labelled, format.suffix);
      save(blob, name);
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
  save(new Blob(lines.map((line) => `${line}\n`), { type: "application/x-ndjson" }), fileName(labelled, ".jsonl"));
}

/**
 * @param {LabelledDocument} labelled
 * @param {string} suffix
 */
function fileName(labelled, suffix) {
  const stem = labelled.name.replace(/\.[A-Za-z0-9]{1,8}$/, "").replace(/[\\/:*?"<>|\u0000-\u001f\u007f]/g, "_");
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
