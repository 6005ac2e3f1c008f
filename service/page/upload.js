// The queue of texts and files on their way through the service: one after the other, each with its progress, its end or its fault.

import { LabelledDocument } from "./labelled_document.js";
import { labelDocument, ServiceProblem } from "./service_client.js";

/** @typedef {import("./answer.js").Source} Source */

/**
 * @typedef {object} Item
 * @property {number} id
 * @property {Source} source
 * @property {"waiting" | "sending" | "labelling" | "busy" | "done" | "failed" | "cancelled"} state busy: the service asked to come back later
 * @property {number} progress share of the upload that has gone
 * @property {number} seconds until a busy service is asked again
 * @property {ServiceProblem | null} problem
 * @property {LabelledDocument | null} labelled
 * @property {AbortController} control
 */

const MOST_TRIES = 6;
const BUSY = new Set([429, 503]);

export class UploadQueue extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} */
    this.items = [];
    this.running = false;
    this.given = 0;
  }

  /** @param {Source[]} sources */
  add(sources) {
    for (const source of sources) {
      this.given += 1;
      this.items.push({ id: this.given, source, ...fresh() });
    }
    this.tell();
    void this.run();
  }

  /** @param {Item} item */
  cancel(item) {
    item.control.abort(new DOMException("cancelled", "AbortError"));
    if (item.state === "waiting") this.change(item, { state: "cancelled" });
  }

  /** @param {Item} item */
  retry(item) {
    this.change(item, fresh());
    void this.run();
  }

  /** @param {Item} item */
  remove(item) {
    item.control.abort(new DOMException("removed", "AbortError"));
    this.items = this.items.filter((other) => other !== item);
    this.tell();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    let next;
    while ((next = this.items.find((item) => item.state === "waiting"))) await this.send(next);
    this.running = false;
  }

  /** @param {Item} item */
  async send(item) {
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          this.change(item, { state: "sending", progress: 0 });
          const answer = await labelDocument(item.source, {
            signal: item.control.signal,
            onProgress: (progress) => this.change(item, { progress, state: progress < 1 ? "sending" : "labelling" }),
          });
          const labelled = new LabelledDocument(answer, item.source);
          this.change(item, { state: "done", labelled });
          this.dispatchEvent(new CustomEvent("done", { detail: item }));
          return;
        } catch (problem) {
          if (!(problem instanceof ServiceProblem && BUSY.has(problem.status) && tries < MOST_TRIES)) throw problem;
          await this.pause(item, Math.min(60, problem.retryAfter || 2 ** tries));
        }
      }
    } catch (problem) {
      if (item.control.signal.aborted) this.change(item, { state: "cancelled" });
      else {
        this.change(item, { state: "failed", problem: asProblem(problem) });
        this.dispatchEvent(new CustomEvent("failed", { detail: item }));
      }
    }
  }

  /**
   * @param {Item} item
   * @param {number} seconds
   */
  async pause(item, seconds) {
    for (let left = Math.ceil(seconds); left > 0; left -= 1) {
      this.change(item, { state: "busy", seconds: left });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      item.control.signal.throwIfAborted();
    }
  }

  /**
   * @param {Item} item
   * @param {Partial<Item>} changes
   */
  change(item, changes) {
    Object.assign(item, changes);
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {Omit<Item, "id" | "source">} */
function fresh() {
  return { state: "waiting", progress: 0, seconds: 0, problem: null, labelled: null, control: new AbortController() };
}

/** @param {unknown} problem */
function asProblem(problem) {
  if (problem instanceof ServiceProblem) return problem;
  console.error(problem);
  return new ServiceProblem(-1, "page", "");
}
