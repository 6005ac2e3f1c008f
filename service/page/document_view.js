// The document in its own order: headings, bylines and page furniture as they stand, and every paragraph with its themes beside it.

import { NO_THEME } from "./answer.js";
import { element, replace } from "./element.js";
import { words } from "./language.js";
import { markedText, signed } from "./marked_text.js";
import { placeText } from "./place.js";

/** @typedef {import("./labelled_document.js").LabelledDocument} LabelledDocument */
/** @typedef {import("./labelled_document.js").Region} Region */
/** @typedef {import("./answer.js").AsideBlock} AsideBlock */

const SHALLOWEST = 3; // level of the outermost heading; the page's own and the document's name stand above it
const DEEPEST = 6;
const MOST_TERMS = 8;

export class DocumentView {
  /**
   * @param {HTMLElement} root
   * @param {object} parts
   * @param {import("./theme_label.js").ThemeLabels} parts.labels
   * @param {Record<string, number>} parts.thresholds
   * @param {import("./corrections.js").Corrections} parts.corrections
   * @param {import("./score_card.js").ScoreCard} parts.scoreCard
   * @param {(message: string) => void} parts.announce
   */
  constructor(root, { labels, thresholds, corrections, scoreCard, announce }) {
    this.root = root;
    this.labels = labels;
    this.thresholds = thresholds;
    this.corrections = corrections;
    this.scoreCard = scoreCard;
    this.announce = announce;
    /** @type {LabelledDocument | null} */
    this.labelled = null;
    /** @type {HTMLElement[]} */
    this.paragraphs = [];
    /** @type {(HTMLElement | null)[]} */
    this.blocks = [];
    /** @type {Map<number, string>} theme whose evidence a paragraph shows */
    this.chosen = new Map();
    /** @type {number | null} */
    this.edited = null;
    this.current = 0;
    /** @type {string | null} theme whose evidence every paragraph shows */
    this.shownTheme = null;
    this.onCorrected = (/** @type {Event} */ event) => this.refresh(/** @type {CustomEvent<number>} */ (event).detail);
    root.addEventListener("click", (event) => this.act(event));
    root.addEventListener("change", (event) => this.choosePrimary(event));
    root.addEventListener("focusin", (event) => this.focused(event));
    root.addEventListener("focusout", () => this.scoreCard.hideSoon());
    root.addEventListener("pointerover", (event) => this.pointed(event));
  }

  /** @param {LabelledDocument} labelled */
  show(labelled) {
    if (this.labelled !== labelled) {
      this.labelled?.removeEventListener("corrected", this.onCorrected);
      labelled.addEventListener("corrected", this.onCorrected);
      this.chosen.clear();
      this.edited = null;
      this.current = 0;
    }
    this.labelled = labelled;
    this.scoreCard.hide();
    this.paragraphs = [];
    const several = new Set(labelled.paragraphs.map((paragraph) => paragraph.file)).size > 1; // an archive
    /** @type {string | undefined} */
    let file;
    const shown = document.createDocumentFragment();
    this.blocks = labelled.blocks.map((block) => {
      if (block.kind !== "paragraph") return shown.appendChild(this.aside(block));
      const paragraph = labelled.paragraphs[block.result];
      if (several && paragraph.file !== file) shown.append(element("h3", { class: "inner-file" }, (file = paragraph.file)));
      return shown.appendChild((this.paragraphs[block.result] = this.paragraph(block.result)));
    });
    replace(this.root, shown);
    if (this.paragraphs.length) this.makeCurrent(this.current);
  }

  /** @param {AsideBlock} block */
  aside(block) {
    if (block.kind === "heading") {
      const depth = block.headings.length;
      const tag = /** @type {"h3"} */ (`h${Math.min(SHALLOWEST + depth, DEEPEST)}`);
      return element(tag, { class: `heading depth-${Math.min(depth, 4)}`, tabindex: -1, lang: "zh-CN" }, block.text);
    }
    const tag = element("span", { class: "aside-tag" }, words(`aside_${block.kind}`));
    return element("p", { class: `aside ${block.kind}`, lang: "zh-CN" }, tag, block.text);
  }

  /** @param {number} index */
  paragraph(index) {
    const made = element("article", { class: "paragraph", tabindex: -1, id: `paragraph-${index}` });
    made.dataset.index = String(index);
    this.fill(made, index);
    return made;
  }

  /**
   * @param {HTMLElement} made
   * @param {number} index
   */
  fill(made, index) {
    const { labelled } = this;
    if (!labelled) return;
    const paragraph = labelled.paragraphs[index];
    const themes = labelled.themesOf(index);
    const leading = labelled.primaryOf(index);
    const theme = this.chosen.get(index) ?? this.shownTheme;
    made.className = `paragraph ${this.labels.style(leading && leading !== NO_THEME ? leading : themes[0])}`;
    made.classList.toggle("labelled", themes.length > 0);
    const names = [words("nth", { n: paragraph.paragraph ?? index + 1 }), this.labels.names(themes)];
    if (labelled.isUncertain(index)) names.push(words("uncertain"));
    made.setAttribute("aria-label", names.join("，"));
    const evidence = theme ? paragraph.evidence.filter((item) => item.theme === theme) : [];
    const edge = element("span", { class: "edge", "aria-hidden": "true" });
    for (const id of themes) edge.append(element("i", { class: this.labels.style(id) }));
    const text = element("p", { class: `text ${this.labels.style(theme ?? undefined)}`, lang: "zh-CN" }, ...markedText(paragraph.text, evidence));
    const reasons = this.chosen.has(index) ? this.reasons(index) : null;
    const editor = this.edited === index ? this.editor(index) : null;
    replace(made, element("div", { class: "body" }, edge, text, columnsOf(paragraph)), this.notes(index), editor, reasons);
    if (index === this.current) setReachable(made, true);
  }

  /** @param {number} index */
  notes(index) {
    const notes = element("div", { class: "notes" }, this.labelRow(index));
    const status = this.status(index);
    if (status) notes.append(status);
    notes.append(this.actions(index));
    return notes;
  }

  /** @param {number} index */
  labelRow(index) {
    const labelled = /** @type {LabelledDocument} */ (this.labelled);
    const { uncertain } = labelled.paragraphs[index];
    const given = labelled.themesOf(index);
    const row = element("div", { class: "labels" });
    for (const id of given) row.append(this.labelButton(index, id, "label", this.labels.name(id)));
    if (labelled.isUncertain(index)) {
      for (const id of uncertain) {
        if (!given.includes(id)) row.append(this.labelButton(index, id, "label doubtful", words("uncertainTheme", { theme: this.labels.name(id) })));
      }
      row.append(element("span", { class: "review-tag" }, words("uncertain")));
    }
    if (!row.childElementCount) row.append(element("span", { class: "no-theme" }, words("noTheme")));
    return row;
  }

  /**
   * @param {number} index
   * @param {string} id
   * @param {string} style
   * @param {string} text
   */
  labelButton(index, id, style, text) {
    const pressed = this.chosen.get(index) === id;
    const title = pressed ? words("hideWhy") : words("why", { theme: this.labels.name(id) });
    return element(
      "button",
      { type: "button", class: `${style} ${this.labels.style(id)}`, "data-action": "why", "data-theme": id, "aria-pressed": String(pressed), title, tabindex: -1 },
      ...this.labels.parts(id, text),
    );
  }

  /** @param {number} index */
  actions(index) {
    const labelled = /** @type {LabelledDocument} */ (this.labelled);
    const actions = element("div", { class: "actions" });
    if (labelled.isUncertain(index)) actions.append(actionButton("confirm"));
    actions.append(actionButton("correct"), actionButton("copy"));
    const place = placeText(labelled.paragraphs[index]);
    if (place) actions.append(element("span", { class: "place" }, place));
    return actions;
  }

  /** @param {number} index */
  status(index) {
    const labelled = /** @type {LabelledDocument} */ (this.labelled);
    const correction = labelled.corrections.get(index);
    if (!correction) return null;
    const predicted = labelled.paragraphs[index].themes;
    const same = predicted.join() === correction.themes.join();
    const key = correction.state === "kept" && same ? "correction_confirmed" : `correction_${correction.state}`;
    const status = element("div", { class: `status ${correction.state}` }, element("span", {}, words(key, { message: correction.message })));
    if (!same) status.append(element("span", { class: "was" }, words("correction_was", { themes: this.labels.names(predicted) })));
    if (correction.state === "failed") status.append(actionButton("retry"));
    if (correction.state !== "withdrawn") status.append(actionButton("undo"));
    return status;
  }

  /** @param {number} index */
  editor(index) {
    const labelled = /** @type {LabelledDocument} */ (this.labelled);
    const themes = labelled.themesOf(index);
    const editor = element("div", { class: "editor", role: "group", "aria-label": words("editor") });
    for (const { id } of this.labels.themes) {
      const pressed = String(themes.includes(id));
      editor.append(
        element(
          "button",
          { type: "button", class: `toggle ${this.labels.style(id)}`, "data-action": "toggle", "data-theme": id, "aria-pressed": pressed, tabindex: -1 },
          element("span", { class: "tick", "aria-hidden": "true" }, themes.includes(id) ? "✓" : ""),
          ...this.labels.parts(id),
        ),
      );
    }
    if (themes.length) editor.append(this.primaryChoice(index, themes));
    editor.append(actionButton("finish"));
    return editor;
  }

  /**
   * @param {number} index
   * @param {string[]} themes
   */
  primaryChoice(index, themes) {
    const leading = this.labelled?.primaryOf(index) ?? "";
    const option = (/** @type {string} */ value, /** @type {string} */ text) => element("option", { value, selected: value === leading }, text);
    const select = element("select", { "data-action": "primary", tabindex: -1 }, leading ? null : option("", words("primaryUnset")));
    for (const id of themes) select.append(option(id, this.labels.name(id)));
    select.append(option(NO_THEME, words("primaryOther")));
    return element("label", { class: "primary-choice" }, words("primary"), select);
  }

  /** @param {number} index */
  reasons(index) {
    const id = /** @type {string} */ (this.chosen.get(index));
    const { scores, evidence } = /** @type {LabelledDocument} */ (this.labelled).paragraphs[index];
    const found = evidence.find((item) => item.theme === id);
    const reasons = element("div", { class: `reasons ${this.labels.style(id)}` });
    const figures = words("whyProbability", { score: (scores[id] ?? 0).toFixed(2), threshold: this.thresholds[id]?.toFixed(2) ?? "—" });
    reasons.append(element("strong", {}, words("why", { theme: this.labels.name(id) })), `  ${figures}`);
    if (!found) reasons.append(element("span", { class: "no-evidence" }, words("noEvidence")));
    else if (found.terms.length) {
      const terms = element("ul", { class: "terms", "aria-label": words("whyTerms") });
      for (const term of found.terms.slice(0, MOST_TERMS)) {
        terms.append(element("li", { lang: "zh-CN" }, term.text, " ", element("span", { class: "weight" }, signed(term.weight))));
      }
      reasons.append(terms);
    }
    return reasons;
  }

  /** @param {Event} event */
  act(event) {
    const target = /** @type {Element} */ (event.target);
    const index = this.indexOf(target);
    const { labelled } = this;
    if (index === null || !labelled) return;
    const button = /** @type {HTMLElement | null} */ (target.closest("button[data-action]"));
    if (!button) {
      if (getSelection()?.isCollapsed) this.makeCurrent(index);
      return;
    }
    this.makeCurrent(index);
    this.scoreCard.hide();
    const theme = button.dataset.theme ?? "";
    switch (button.dataset.action) {
      case "why":
        return this.toggleReasons(index, theme);
      case "toggle":
        return this.corrections.toggle(labelled, index, theme);
      default:
        return this.perform(button.dataset.action ?? "");
    }
  }

  /**
   * Do something with the current paragraph.
   * @param {string} action
   */
  perform(action) {
    const { labelled, current } = this;
    if (!labelled || !this.paragraphs.length) return;
    switch (action) {
      case "correct":
        return this.edit(current);
      case "finish":
        return this.edit(null);
      case "confirm":
        return this.corrections.confirm(labelled, current);
      case "undo":
        return this.corrections.undo(labelled, current);
      case "retry":
        return this.corrections.retry(labelled, current);
      case "copy":
        return void this.copy(current);
    }
  }

  /** @param {string} theme */
  toggleTheme(theme) {
    if (this.labelled && this.paragraphs.length) this.corrections.toggle(this.labelled, this.current, theme);
  }

  /**
   * @param {number} index
   * @param {string} theme
   */
  toggleReasons(index, theme) {
    if (this.chosen.get(index) === theme) this.chosen.delete(index);
    else this.chosen.set(index, theme);
    this.refresh(index);
  }

  /** @param {number | null} index */
  edit(index) {
    const before = this.edited;
    if (before === index) return;
    this.edited = index;
    this.scoreCard.hide();
    if (before !== null) {
      this.refresh(before);
      this.paragraphs[before].focus({ preventScroll: true });
    }
    if (index === null) return;
    this.refresh(index);
    /** @type {HTMLElement | null} */ (this.paragraphs[index].querySelector(".toggle"))?.focus();
  }

  /** Close the innermost thing that is open; says whether there was any. */
  closeInnermost() {
    if (this.scoreCard.isOpen) this.scoreCard.hide();
    else if (this.edited !== null) this.edit(null);
    else if (this.chosen.delete(this.current)) this.refresh(this.current);
    else return false;
    return true;
  }

  /** @param {Event} event */
  choosePrimary(event) {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const index = this.indexOf(select);
    if (index === null || !this.labelled) return;
    this.corrections.set(this.labelled, index, this.labelled.themesOf(index), select.value || null);
  }

  /** @param {number} index */
  async copy(index) {
    const { labelled } = this;
    if (!labelled) return;
    const paragraph = labelled.paragraphs[index];
    const source = [paragraph.file ?? labelled.name, placeText(paragraph), paragraph.headings.join(" › ")].filter(Boolean).join("，");
    const copied = await copyText(`【${this.labels.names(labelled.themesOf(index))}】${paragraph.text}\n——${source}\n`);
    this.announce(words(copied ? "copied" : "notCopied"));
  }

  /**
   * Draw a paragraph anew, with the focus where it was.
   * @param {number} index
   */
  refresh(index) {
    const made = this.paragraphs[index];
    if (!made) return;
    const active = document.activeElement;
    const action = made.contains(active) ? /** @type {HTMLElement} */ (active).dataset : null;
    const { action: name = "", theme = "" } = action ?? {};
    this.fill(made, index);
    if (!action) return;
    const controls = /** @type {NodeListOf<HTMLElement>} */ (made.querySelectorAll("[data-action]"));
    const same = [...controls].find((control) => control.dataset.action === name && (control.dataset.theme ?? "") === theme);
    (name && same ? same : made).focus({ preventScroll: true });
  }

  refreshAll() {
    this.paragraphs.forEach((made, index) => this.fill(made, index));
  }

  /**
   * Show evidence for `theme` in every paragraph.
   * @param {string | null} theme
   */
  showEvidence(theme) {
    if (theme === this.shownTheme) return;
    this.shownTheme = theme;
    this.refreshAll();
  }

  /** @param {Element} target */
  indexOf(target) {
    const paragraph = /** @type {HTMLElement | null} */ (target.closest(".paragraph"));
    return paragraph ? Number(paragraph.dataset.index) : null;
  }

  /** @param {FocusEvent} event */
  focused(event) {
    const target = /** @type {Element} */ (event.target);
    const index = this.indexOf(target);
    if (index === null || !this.labelled) return;
    this.makeCurrent(index);
    if (target.matches(".paragraph:focus-visible") && this.edited !== index) this.scoreCard.show(target, this.labelled, index, { at_once: true });
  }

  /** @param {PointerEvent} event */
  pointed(event) {
    const target = /** @type {Element} */ (event.target);
    const index = this.indexOf(target);
    const wanted = event.pointerType === "mouse" && index !== null && !this.chosen.has(index) && index !== this.edited && target.closest(".notes");
    if (wanted && this.labelled) this.scoreCard.show(this.paragraphs[index], this.labelled, index);
    else this.scoreCard.hideSoon();
  }

  /** @param {number} index */
  makeCurrent(index) {
    const before = this.paragraphs[this.current];
    if (before) setReachable(before, false);
    this.current = index;
    setReachable(this.paragraphs[index], true);
  }

  /**
   * Focus the next paragraph that is shown and wanted, in steps of `step`.
   * @param {1 | -1} step
   * @param {(index: number) => boolean} [wanted]
   */
  move(step, wanted = () => true) {
    const inside = this.paragraphs[this.current]?.contains(document.activeElement);
    for (let index = inside ? this.current + step : this.current; index >= 0 && index < this.paragraphs.length; index += step) {
      if (!this.paragraphs[index].hidden && wanted(index)) return this.focusParagraph(index);
    }
  }

  /** @param {number} index */
  focusParagraph(index) {
    this.makeCurrent(index);
    const paragraph = this.paragraphs[index];
    paragraph.scrollIntoView({ block: "nearest" });
    paragraph.focus({ preventScroll: true });
  }

  /** @param {Region} region */
  goTo(region) {
    const found = this.blocks[region.block];
    found?.scrollIntoView({ block: "start" });
    found?.focus({ preventScroll: true });
  }

  /**
   * Show only the paragraphs that fit, the headings above them, and nothing else; or all.
   * @param {((index: number) => boolean) | null} fits
   * @returns {number} how many paragraphs are shown
   */
  filter(fits) {
    if (!this.labelled) return 0;
    const headed = new Set(fits ? headedBlocks(this.labelled.regions, fits) : []);
    let shown = 0;
    this.labelled.blocks.forEach((block, position) => {
      const found = this.blocks[position];
      if (!found) return;
      if (block.kind === "paragraph") {
        found.hidden = fits !== null && !fits(block.result);
        shown += found.hidden ? 0 : 1;
      } else found.hidden = fits !== null && !headed.has(position);
    });
    const current = this.paragraphs[this.current];
    if (current?.hidden) {
      const first = this.paragraphs.findIndex((paragraph) => !paragraph.hidden);
      if (first >= 0) this.makeCurrent(first);
    }
    return shown;
  }
}

/**
 * @param {Region[]} regions
 * @param {(index: number) => boolean} fits
 * @returns {Generator<number>}
 */
function* headedBlocks(regions, fits) {
  for (const region of regions) {
    if (!region.paragraphs.some(fits)) continue;
    yield region.block;
    yield* headedBlocks(region.regions, fits);
  }
}

/**
 * Only the current paragraph and what is in it can be reached with Tab: three thousand others would stand between the document and what follows.
 * @param {HTMLElement} paragraph
 * @param {boolean} reachable
 */
function setReachable(paragraph, reachable) {
  paragraph.classList.toggle("current", reachable);
  const reached = /** @type {NodeListOf<HTMLElement>} */ (paragraph.querySelectorAll("[data-action]"));
  for (const found of [paragraph, ...reached]) found.tabIndex = reachable ? 0 : -1;
}

/** @param {string} action */
function actionButton(action) {
  return element("button", { type: "button", class: `action ${action}`, "data-action": action, tabindex: -1 }, words(action));
}

/** @param {import("./answer.js").Paragraph} paragraph */
function columnsOf({ columns }) {
  const cells = Object.entries(columns ?? {}).filter(([, value]) => value !== null && value !== "");
  if (!cells.length) return null;
  const list = element("dl", { class: "columns", "aria-label": words("columns"), lang: "zh-CN" });
  for (const [name, value] of cells) list.append(element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
  return list;
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether the browser allowed it
 */
async function copyText(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = element("textarea", { class: "visually-hidden", "aria-hidden": "true" }, text); // plain HTTP from another machine: no clipboard
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
  return copied;
}
