// The document that is read now, with everything around it that follows it: filters, outline, charts, downloads, its refusals.

import { byId, element, replace } from "./element.js";
import { offersColumns, stateText } from "./file_list.js";
import { hasWords, words } from "./language.js";
import { problemText } from "./problem_text.js";

/** @typedef {import("./upload.js").Item} Item */
/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */

const TABLES = /\.(xlsx|xlsm|xls|ods|csv|tsv|parquet)$/i; // of which a column is labelled

export class Reader {
  /**
   * @param {object} parts
   * @param {import("./document_view.js").DocumentView} parts.view
   * @param {import("./filters.js").Filters} parts.filters
   * @param {import("./outline.js").Outline} parts.outline
   * @param {import("./overview.js").Overview} parts.overview
   * @param {import("./downloads.js").Downloads} parts.downloads
   * @param {import("./upload.js").UploadQueue} parts.queue
   * @param {(message: string) => void} parts.announce
   */
  constructor({ view, filters, outline, overview, downloads, queue, announce }) {
    this.view = view;
    this.filters = filters;
    this.outline = outline;
    this.overview = overview;
    this.downloads = downloads;
    this.queue = queue;
    this.announce = announce;
    /** @type {Item | null} */
    this.item = null;
    this.redraw = 0;
    this.onCorrected = () => this.correctedSoon();
    filters.addEventListener("change", () => this.applyFilters(true));
    byId("column-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const { item } = this;
      if (item?.source.kind !== "file") return;
      item.source.textColumn = byId("column", HTMLInputElement).value.trim();
      queue.retry(item);
    });
    const furniture = byId("furniture", HTMLInputElement);
    furniture.addEventListener("change", () => view.root.classList.toggle("without-asides", !furniture.checked));
  }

  /**
   * Show a document, or how it stands with it.
   * @param {Item} item
   */
  open(item) {
    this.item?.labelled?.removeEventListener("corrected", this.onCorrected);
    this.item = item;
    const { labelled } = item;
    byId("document-name", HTMLElement).textContent = item.source.name;
    byId("labelled", HTMLElement).hidden = labelled === null;
    byId("outline-box", HTMLElement).hidden = labelled === null;
    byId("pending", HTMLElement).hidden = labelled !== null;
    this.showColumn(item);
    if (!labelled) return this.showPending(item);
    labelled.addEventListener("corrected", this.onCorrected);
    byId("model", HTMLElement).textContent = words("model", { version: labelled.model });
    this.view.show(labelled);
    this.showRefusals(labelled);
    this.downloads.show(labelled);
    const empty = labelled.paragraphs.length === 0;
    byId("none-labelled", HTMLElement).hidden = !empty;
    byId("summary", HTMLElement).hidden = empty;
    byId("filters", HTMLElement).hidden = empty;
    this.showCounts();
    this.applyFilters(false);
  }

  /** @param {Item} item */
  showColumn(item) {
    const { source, state } = item;
    const form = byId("column-form", HTMLFormElement);
    if (source.kind !== "file") return void (form.hidden = true);
    const wanted = TABLES.test(source.name) && (state === "done" || state === "failed");
    form.hidden = !wanted || offersColumns(item); // then the list of files asks for it
    const field = byId("column", HTMLInputElement);
    if (document.activeElement !== field) field.value = source.textColumn ?? ""; // another file's progress must not undo what is being typed
  }

  /** @param {Item} item */
  showPending(item) {
    const failed = item.state === "failed";
    byId("pending-heading", HTMLElement).textContent = failed ? words("failedHeading") : item.state === "cancelled" ? words("state_cancelled") : words("waitingHeading");
    const text = byId("pending-text", HTMLElement);
    text.textContent = failed ? problemText(item.problem) : stateText(item);
    byId("pending", HTMLElement).classList.toggle("problem", failed);
    const again = byId("pending-retry", HTMLButtonElement);
    again.hidden = !failed && item.state !== "cancelled";
    again.onclick = () => this.queue.retry(item);
  }

  /** @param {LabelledDocument} labelled */
  showRefusals({ refusals }) {
    const box = byId("refusals", HTMLDetailsElement);
    box.hidden = refusals.length === 0;
    const entries = refusals.map(({ file, line, page, kind, message }) => {
      const where = [file, line ? words("line", { first: line }) : "", page ? words("page", { first: page }) : ""].filter(Boolean).join(" ");
      const name = hasWords(`refusal_${kind}`) ? words(`refusal_${kind}`) : kind;
      return element("li", {}, element("strong", {}, name), ` ${where}：`, element("span", { lang: "zh-CN" }, message));
    });
    replace(box, element("summary", {}, words("refusals", { n: refusals.length })), element("ul", {}, ...entries));
  }

  showCounts() {
    const labelled = this.item?.labelled;
    if (!labelled) return;
    this.outline.show(labelled);
    const all = this.queue.items.flatMap((item) => item.labelled ?? []);
    this.overview.show(labelled, all);
    this.downloads.showAll(all);
  }

  /** Corrections may come quickly; the paragraph itself shows at once, what is counted from it a moment later. */
  correctedSoon() {
    cancelAnimationFrame(this.redraw);
    this.redraw = requestAnimationFrame(() => {
      const labelled = this.item?.labelled;
      if (!labelled) return;
      this.showCounts();
      this.downloads.show(labelled);
      this.filters.show(labelled); // what is shown stays, although it may no longer fit: it would vanish under the user's hands
    });
  }

  /** @param {boolean} tell */
  applyFilters(tell) {
    const labelled = this.item?.labelled;
    if (!labelled) return;
    const { filters, view } = this;
    view.showEvidence(filters.onlyTheme);
    const shown = view.filter(filters.isActive ? (index) => filters.fits(labelled, index) : null);
    filters.show(labelled);
    filters.highlight(view.paragraphs);
    const all = labelled.paragraphs.length;
    const message = filters.isActive ? words("shown", { n: shown, all }) : words("shownAll", { all });
    byId("shown", HTMLElement).textContent = message;
    byId("nothing-shown", HTMLElement).hidden = shown > 0 || all === 0;
    if (tell) this.announce(message);
  }

  /** Words in another language. */
  refresh() {
    if (this.item) this.open(this.item);
  }
}
