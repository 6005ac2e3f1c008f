// A person's word on a paragraph, on its way to the service. What is toggled within a moment goes as one correction.

import { NO_THEME } from "./answer.js";
import { problemText } from "./problem_text.js";
import { sendFeedback } from "./service_client.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */
/** @typedef {import("./labelled_document.js").Correction} Correction */

const MOMENT = 1200; // milliseconds in which a second toggle, or an undo, still belongs to the same correction

export class Corrections {
  /** @param {import("./answer.js").Theme[]} themes */
  constructor(themes) {
    this.order = themes.map((theme) => theme.id);
    /** @type {Map<Correction, {timer: number, send: () => Promise<void>}>} */
    this.waiting = new Map();
    addEventListener("pagehide", () => this.flush());
  }

  /**
   * Give the paragraph `theme`, or take it away.
   * @param {LabelledDocument} labelled
   * @param {number} index
   * @param {string} theme
   */
  toggle(labelled, index, theme) {
    const before = labelled.themesOf(index);
    const themes = this.order.filter((id) => before.includes(id) !== (id === theme));
    const primary = labelled.primaryOf(index);
    const led = primary !== null && (themes.includes(primary) || (primary === NO_THEME && before.length > 0));
    this.set(labelled, index, themes, led ? primary : null);
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {number} index
   * @param {string[]} themes in the model's order
   * @param {string | null} primary null: nobody said which theme leads
   */
  set(labelled, index, themes, primary) {
    this.put(labelled, index, { themes, primary: themes.length === 0 ? NO_THEME : primary, state: "waiting", key: newKey(), message: "" });
  }

  /**
   * The model was right.
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  confirm(labelled, index) {
    const { themes, primary } = labelled.paragraphs[index];
    this.set(labelled, index, themes, primary);
  }

  /**
   * Back to the model's label. What has gone to the service cannot be called back: the model's label is sent after it, and the last word counts.
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  undo(labelled, index) {
    const correction = labelled.corrections.get(index);
    if (!correction) return;
    if (this.forget(correction) || correction.state === "failed") {
      labelled.correct(index, null);
      return;
    }
    const { themes, primary } = labelled.paragraphs[index];
    this.put(labelled, index, { themes, primary, state: "withdrawn", key: newKey(), message: "" });
  }

  /**
   * Send what failed once more.
   * @param {LabelledDocument} labelled
   * @param {number} index
   */
  retry(labelled, index) {
    const correction = labelled.corrections.get(index);
    if (correction) void this.send(labelled, index, correction);
  }

  /** Send at once all that waits for its moment to pass. */
  flush() {
    for (const { timer, send } of [...this.waiting.values()]) {
      clearTimeout(timer);
      void send();
    }
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {number} index
   * @param {Correction} correction
   */
  put(labelled, index, correction) {
    const before = labelled.corrections.get(index);
    if (before) this.forget(before);
    const send = () => this.send(labelled, index, correction);
    this.waiting.set(correction, { timer: setTimeout(send, MOMENT), send });
    labelled.correct(index, correction);
  }

  /**
   * @param {Correction} correction
   * @returns {boolean} whether it had not gone yet
   */
  forget(correction) {
    clearTimeout(this.waiting.get(correction)?.timer);
    return this.waiting.delete(correction);
  }

  /**
   * @param {LabelledDocument} labelled
   * @param {number} index
   * @param {Correction} correction
   */
  async send(labelled, index, correction) {
    this.waiting.delete(correction);
    const withdrawn = correction.state === "withdrawn";
    const tell = (/** @type {Partial<Correction>} */ changes) => {
      Object.assign(correction, changes);
      if (labelled.corrections.get(index) === correction) labelled.correct(index, correction); // else a later one stands there
    };
    const paragraph = labelled.paragraphs[index];
    if (!withdrawn) tell({ state: "sending" });
    try {
      await sendFeedback({
        text: paragraph.text,
        themes: correction.themes,
        ...(correction.primary === null ? {} : { primary: correction.primary }),
        model: labelled.model,
        predicted: paragraph.themes,
        file: paragraph.file ?? labelled.name,
        paragraph: paragraph.paragraph,
        key: correction.key,
      });
      if (!withdrawn) tell({ state: "kept" });
      else if (labelled.corrections.get(index) === correction) labelled.correct(index, null);
    } catch (problem) {
      tell({ state: "failed", message: problemText(problem) });
    }
  }
}

/** `crypto.randomUUID` is missing where the page comes over plain HTTP from another machine. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
