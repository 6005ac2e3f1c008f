// The page: makes the parts and gives them to one another.

import { Corrections } from "./corrections.js";
import { offerDisplaySettings } from "./display_settings.js";
import { DocumentView } from "./document_view.js";
import { Downloads } from "./downloads.js";
import { byId, element, replace } from "./element.js";
import { FileList } from "./file_list.js";
import { Filters } from "./filters.js";
import { takeDocuments } from "./intake.js";
import { keyDialog } from "./key_dialog.js";
import { listenToKeys } from "./keyboard.js";
import { isEnglish, languageChanges, words } from "./language.js";
import { Outline } from "./outline.js";
import { Overview } from "./overview.js";
import { problemText } from "./problem_text.js";
import { Reader } from "./reader.js";
import { ScoreCard } from "./score_card.js";
import { getModel, getThemes, onKeyNeeded } from "./service_client.js";
import { ThemeLabels } from "./theme_label.js";
import { UploadQueue } from "./upload.js";

/** @typedef {import("./upload.js").Item} Item */

offerDisplaySettings();
onKeyNeeded(keyDialog());
await start();

async function start() {
  const fault = byId("service-fault", HTMLElement);
  const again = byId("service-again", HTMLButtonElement);
  again.onclick = () => void start();
  try {
    const [themes, model] = await Promise.all([getThemes(), getModel()]);
    fault.hidden = true;
    run(themes, model);
  } catch (problem) {
    byId("service-fault-text", HTMLElement).textContent = problemText(problem);
    fault.hidden = false;
  }
}

/**
 * @param {import("./answer.js").Theme[]} themes
 * @param {{version: string, thresholds: Record<string, number>}} model
 */
function run(themes, { version, thresholds }) {
  const labels = new ThemeLabels(themes);
  const scoreCard = new ScoreCard(labels, thresholds);
  const corrections = new Corrections(themes);
  const view = new DocumentView(byId("document", HTMLElement), { labels, thresholds, corrections, scoreCard, announce });
  const filters = new Filters(labels);
  const outline = new Outline(byId("outline", HTMLElement), labels, (region) => view.goTo(region));
  const queue = new UploadQueue();
  const reader = new Reader({ view, filters, outline, overview: new Overview(labels), downloads: new Downloads(announce), queue, announce });
  const files = new FileList(byId("files", HTMLElement), queue, open);
  byId("model", HTMLElement).textContent = words("model", { version });
  byId("outline-box", HTMLDetailsElement).open = matchMedia("(min-width: 70rem)").matches; // elsewhere it would push the document down

  /** @param {Item} item */
  function open(item) {
    reader.open(item);
    files.show(item);
    showStart(false);
    scrollTo({ top: 0 });
  }

  /** @param {boolean} wanted */
  function showStart(wanted) {
    byId("start", HTMLElement).hidden = !wanted;
    byId("workspace", HTMLElement).hidden = wanted;
    byId("add", HTMLButtonElement).hidden = wanted;
    byId("cancel-add", HTMLButtonElement).hidden = !wanted || queue.items.length === 0;
    if (wanted) scoreCard.hide();
  }

  takeDocuments((sources) => {
    if (sources.length === 0) return;
    const first = queue.items.length;
    queue.add(sources);
    open(queue.items[first]);
  });
  byId("add", HTMLButtonElement).addEventListener("click", () => {
    showStart(true);
    byId("text", HTMLTextAreaElement).focus();
  });
  byId("cancel-add", HTMLButtonElement).addEventListener("click", () => showStart(false));

  queue.addEventListener("change", () => {
    const { item } = reader;
    if (item && !queue.items.includes(item)) {
      const next = queue.items.at(-1);
      if (next) open(next);
      else {
        reader.item = null;
        showStart(true);
      }
    } else if (item && item.labelled === null) reader.open(item);
    files.show(reader.item);
  });
  queue.addEventListener("done", (event) => {
    const item = /** @type {CustomEvent<Item>} */ (event).detail;
    const waitingForIt = reader.item === item || reader.item?.labelled === null;
    if (waitingForIt) reader.open(item);
    else reader.showCounts();
    files.show(reader.item);
    announce(words("done", { name: item.source.name, n: item.labelled?.paragraphs.length ?? 0 }));
  });
  queue.addEventListener("failed", (event) => {
    const item = /** @type {CustomEvent<Item>} */ (event).detail;
    announce(words("failed", { name: item.source.name, message: problemText(item.problem) }));
  });

  languageChanges.addEventListener("change", () => {
    scoreCard.hide();
    showThemes(labels);
    reader.refresh();
    files.show(reader.item);
  });

  const help = byId("help-dialog", HTMLDialogElement);
  const showHelp = () => help.showModal();
  byId("help", HTMLButtonElement).addEventListener("click", showHelp);
  byId("help-close", HTMLButtonElement).addEventListener("click", () => help.close());
  listenToKeys({ view, search: filters.search, toggle: byId("single-keys", HTMLInputElement), themes: themes.map(({ id }) => id), showHelp });
  showThemes(labels);
  byId("start-controls", HTMLFieldSetElement).disabled = false;
}

/** @param {ThemeLabels} labels */
function showThemes(labels) {
  const entries = labels.themes.map(({ id, definition }) =>
    element("li", { class: labels.style(id) }, element("strong", {}, ...labels.parts(id)), isEnglish() ? null : element("span", {}, definition)),
  );
  replace(byId("themes", HTMLElement), ...entries);
}

/**
 * Say something to those who do not see it change.
 * @param {string} message
 */
function announce(message) {
  byId("announcer", HTMLElement).textContent = message;
}
