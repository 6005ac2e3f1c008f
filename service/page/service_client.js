// Talks to the service that this page came from. Addresses are relative, so that the page also works behind a path of a larger site.

/** @typedef {import("./answer.js").Source} Source */
/** @typedef {import("./answer.js").DocumentAnswer} DocumentAnswer */

/** What the service refused, or that it was not reached. */
export class ServiceProblem extends Error {
  /**
   * @param {number} status 0: not reached
   * @param {string} kind last part of the problem's `type`
   * @param {string} detail the service's own sentence
   * @param {number} retryAfter seconds; 0 where it named none
   * @param {string[]} columns of a table, to choose the one with the text from, likely ones first
   */
  constructor(status, kind, detail, retryAfter = 0, columns = []) {
    super(detail || `HTTP ${status}`);
    this.status = status;
    this.kind = kind;
    this.detail = detail;
    this.retryAfter = retryAfter;
    this.columns = columns;
  }
}

/** Of a `Blob` to save, with the name that the service gave it. */
/** @typedef {{blob: Blob, name: string}} Download */

const KEY = "policy-themes.key";
/** @type {string} */
let apiKey = readKey();
/** @type {() => Promise<string | null>} */
let askForKey = () => Promise.resolve(null);
/** @type {Promise<string | null> | null} */
let asking = null;

function readKey() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {() => Promise<string | null>} ask asks the user for an API key; null: the user gave none
 */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/**
 * Ask once, however many requests were refused.
 * @param {string} used the key that was refused
 * @returns {Promise<boolean>} whether there is another key to try
 */
async function obtainKey(used) {
  if (apiKey !== used) return true; // given while this request was on its way
  asking ??= askForKey().finally(() => (asking = null));
  const given = await asking;
  if (given === null) return false;
  apiKey = given;
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // then it lasts as long as the page
  }
  return true;
}

/**
 * @param {string} accept
 * @returns {Record<string, string>}
 */
function requestHeaders(accept) {
  return apiKey ? { accept, authorization: `Bearer ${apiKey}` } : { accept };
}

/**
 * @param {number} status
 * @param {string} body
 * @param {string | null} retryAfter
 */
function problemOf(status, body, retryAfter) {
  const seconds = Math.max(0, Number(retryAfter) || 0);
  try {
    const { type, detail, columns } = JSON.parse(body);
    const named = Array.isArray(columns) ? columns.map(String) : [];
    return new ServiceProblem(status, String(type ?? "").split(":").at(-1) ?? "", String(detail ?? ""), seconds, named);
  } catch {
    return new ServiceProblem(status, "", "", seconds); // an answer of some proxy in between
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<any>}
 */
async function requestJson(path, request = {}) {
  for (;;) {
    const used = apiKey;
    const headers = { ...requestHeaders("application/json"), ...request.headers };
    const answer = await fetch(path, { ...request, headers }).catch(() => {
      throw new ServiceProblem(0, "unreachable", "");
    });
    if (answer.ok) return answer.json();
    if (answer.status === 401 && (await obtainKey(used))) continue;
    throw problemOf(answer.status, await answer.text(), answer.headers.get("retry-after"));
  }
}

/** @returns {Promise<import("./answer.js").Theme[]>} */
export const getThemes = async () => (await requestJson("v1/themes")).themes;

/** @returns {Promise<{version: string, thresholds: Record<string, number>}>} */
export const getModel = () => requestJson("v1/model");

/**
 * @typedef {object} Feedback
 * @property {string} text
 * @property {string[]} themes
 * @property {string} [primary]
 * @property {string} model
 * @property {string[]} predicted
 * @property {string} [file]
 * @property {number} [paragraph]
 * @property {string} [note]
 * @property {string} key
 */

/**
 * @param {Feedback} feedback
 * @returns {Promise<{id: number | string}>}
 */
export const sendFeedback = (feedback) =>
  requestJson("v1/feedback", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(feedback),
    keepalive: JSON.stringify(feedback).length < 20_000, // so that closing the page does not lose it; browsers hold 64 KiB
  });

/**
 * Have a document labelled.
 * @param {Source} source
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} options `onProgress` takes the share of the upload that has gone
 * @returns {Promise<DocumentAnswer>}
 */
export async function labelDocument(source, { signal, onProgress }) {
  const request = await postDocument(source, "application/json", signal, onProgress);
  try {
    return JSON.parse(await request.response.text());
  } catch {
    throw new ServiceProblem(request.status, "", "");
  }
}

/**
 * Have a document labelled as a file to save.
 * @param {Source} source
 * @param {string} accept media type
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function downloadDocument(source, accept, signal) {
  return (await postDocument(source, accept, signal, () => {})).response;
}

/**
 * XMLHttpRequest, since fetch does not tell how far an upload has come.
 * @param {Source} source
 * @param {string} accept
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onProgress
 * @returns {Promise<XMLHttpRequest>}
 */
async function postDocument(source, accept, signal, onProgress) {
  for (;;) {
    const used = apiKey;
    const request = await post("v1/documents", documentBody(source), requestHeaders(accept), signal, onProgress);
    if (request.status >= 200 && request.status < 300) return request;
    if (request.status === 401 && (await obtainKey(used))) continue;
    throw problemOf(request.status, await request.response.text(), request.getResponseHeader("retry-after"));
  }
}

/** @param {Source} source */
function documentBody(source) {
  if (source.kind === "text") {
    return new Blob([JSON.stringify({ text: source.text, name: source.name })], { type: "application/json" });
  }
  const form = new FormData();
  form.append("file", source.file, source.name);
  if (source.textColumn) form.append("text_column", source.textColumn);
  return form;
}

/**
 * @param {string} path
 * @param {Blob | FormData} body
 * @param {Record<string, string>} headers
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onProgress
 * @returns {Promise<XMLHttpRequest>}
 */
function post(path, body, headers, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.throwIfAborted();
    signal.addEventListener("abort", abort);
    request.open("POST", path);
    request.responseType = "blob";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new ServiceProblem(0, "unreachable", ""));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.send(body);
  });
}
