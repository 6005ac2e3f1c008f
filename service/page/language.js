// The page's words in Chinese and English. Documents, and sentences of the service, stay in the language they are in.

import { keep } from "./settings.js";

/** @type {Record<string, [string, string]>} */
const TEXTS = {
  // the frame
  title: ["政策主题标注", "Policy themes"],
  tagline: ["逐段标注科技政策文件的主题", "Every paragraph of a policy document, by theme"],
  skip: ["跳到正文", "Skip to the document"],
  language: ["English", "中文"],
  languageLabel: ["Switch to English", "切换为中文"],
  colours: ["配色", "Colours"],
  colours_auto: ["跟随系统", "As the system"],
  colours_light: ["浅色", "Light"],
  colours_dark: ["深色", "Dark"],
  size: ["字号", "Text size"],
  size_normal: ["标准", "Normal"],
  size_large: ["大", "Large"],
  size_larger: ["特大（投影）", "Largest (projector)"],
  help: ["快捷键", "Keys"],
  docs: ["接口文档", "API"],
  model: ["模型 {version}", "Model {version}"],
  local: ["文件只发给本服务，不会送往别处。", "Documents go to this service and nowhere else."],
  close: ["关闭", "Close"],
  settings: ["显示设置", "Display"],
  // giving documents
  startHeading: ["读一份政策文件", "Read a policy document"],
  startLead: [
    "粘贴全文，或放入文件。每个段落标出所属主题，给出依据，拿不准的请您复核。",
    "Paste its text, or drop files. Every paragraph gets its themes and the reasons; where the model is unsure, it asks you.",
  ],
  pasteLabel: ["文件全文", "Text of the document"],
  pasteHint: ["在这里粘贴全文，保留原来的换行……", "Paste the whole text here, with its line breaks …"],
  pasteTooLong: ["文字超过 {most} 字，请拆分，或存为文件后上传。", "More than {most} characters: split the text, or upload it as a file."],
  label: ["标注", "Label"],
  sample: ["试试示例", "Try a sample"],
  sampleName: ["示例：某市科技创新行动方案", "Sample: a city's innovation plan"],
  pastedName: ["粘贴的文字", "Pasted text"],
  dropHeading: ["或把文件拖到这里", "Or drop files here"],
  dropHint: ["Word、PDF、网页、文本、Excel、CSV，可一次放入多个", "Word, PDF, web pages, text, Excel, CSV; several at once"],
  choose: ["选择文件", "Choose files"],
  dropNow: ["松开鼠标，开始标注", "Let go to label"],
  add: ["添加文件", "Add documents"],
  cancelAdd: ["返回文件", "Back to the document"],
  themesHeading: ["五类主题", "The themes"],
  // the queue
  files: ["文件", "Files"],
  state_waiting: ["等待", "Waiting"],
  state_sending: ["上传 {percent}%", "Uploading {percent} %"],
  state_labelling: ["读取和标注……", "Reading and labelling …"],
  state_busy: ["服务正忙，{seconds} 秒后重试", "The service is busy; again in {seconds} s"],
  state_done: ["{n} 段", "{n} paragraphs"],
  state_failed: ["未能处理", "Not processed"],
  state_cancelled: ["已取消", "Cancelled"],
  cancel: ["取消", "Cancel"],
  cancelOf: ["取消 {name}", "Cancel {name}"],
  retry: ["重试", "Try again"],
  retryOf: ["重试 {name}", "Try {name} again"],
  remove: ["移除", "Remove"],
  removeOf: ["移除 {name}", "Remove {name}"],
  done: ["{name} 标注完成，共 {n} 段。", "{name}: {n} paragraphs labelled."],
  failed: ["{name} 未能处理：{message}", "{name} was not processed: {message}"],
  noneLabelled: ["这份文件里没有可以标注的段落。", "There is no paragraph to label in this document."],
  noneLabelledHint: [
    "它可能只有标题，或正文是图片。请查看原文件，或粘贴其中的文字。",
    "It may hold headings only, or pictures of text. Look at the file, or paste its text.",
  ],
  textColumn: ["正文所在的列", "Column with the text"],
  textColumnHint: ["列名，不填则自动辨认", "its name; guessed if empty"],
  relabel: ["重新标注", "Label again"],
  useColumn: ["用这一列标注", "Use this column"],
  useColumnOf: ["用这一列标注 {name}", "Use this column of {name}"],
  waitingHeading: ["正在处理", "Working"],
  failedHeading: ["这份文件未能处理", "This document was not processed"],
  // problems
  problem_unreachable: ["连不上服务。请确认它在运行、网络通畅，然后重试。", "The service cannot be reached. See that it runs and the network is up, then try again."],
  problem_page: ["页面出了错，请刷新后重试。", "This page failed; reload it and try again."],
  problem_401: ["需要有效的访问密钥。", "A valid API key is needed."],
  problem_403: ["这个密钥没有此项权限。", "This key may not do that."],
  problem_404: ["这个服务没有提供此项功能。", "This service does not offer that."],
  problem_413: ["文件太大。请拆分后再试。", "The file is too large. Split it and try again."],
  problem_415: ["不支持这种文件。请另存为 Word（.docx）、PDF 或文本后再试。", "Files of this kind are not read. Save it as Word (.docx), PDF or text and try again."],
  problem_unknown_text_column: ["看不出正文在哪一列，请选出来。", "Which column holds the text is not clear: choose it."],
  problem_422: ["文件内容无法读取。", "The file cannot be read."],
  problem_429: ["请求太频繁，请稍后再试。", "Too many requests; try again later."],
  problem_503: ["服务正忙，请稍后再试。", "The service is busy; try again later."],
  problem_507: ["服务端磁盘已满，没有保存。请告知管理员。", "The service's disk is full; nothing was kept. Tell its administrator."],
  problem_other: ["服务没有完成这个请求（{status}）。请稍后重试；仍不行请告知管理员。", "The service did not complete the request ({status}). Try later; if it stays so, tell its administrator."],
  refusals: ["{n} 处未能处理", "{n} parts were not processed"],
  refusal_unreadable: ["无法读取", "Unreadable"],
  refusal_needs_ocr: ["需要文字识别", "Needs OCR"],
  refusal_unsupported: ["不支持的格式", "Unsupported"],
  refusal_too_large: ["过大", "Too large"],
  refusal_encrypted: ["已加密", "Encrypted"],
  refusal_empty: ["没有内容", "Empty"],
  refusal_bad_row: ["行内容有误", "Bad row"],
  refusal_unknown_text_column: ["看不出正文在哪一列", "Which column is the text?"],
  // places
  line: ["第 {first} 行", "line {first}"],
  lines: ["第 {first}–{last} 行", "lines {first}–{last}"],
  page: ["第 {first} 页", "page {first}"],
  pages: ["第 {first}–{last} 页", "pages {first}–{last}"],
  row: ["第 {row} 行", "row {row}"],
  sheetRow: ["工作表“{sheet}”第 {row} 行", "sheet “{sheet}”, row {row}"],
  nth: ["第 {n} 段", "paragraph {n}"],
  // reading
  outline: ["目录", "Outline"],
  outlineEmpty: ["这份文件没有标题。", "This document has no headings."],
  expand: ["展开 {name}", "Expand {name}"],
  collapse: ["收起 {name}", "Collapse {name}"],
  filters: ["筛选", "Filter"],
  any: ["任一", "Any"],
  all: ["全部具备", "All"],
  mode: ["选中多个主题时", "With several themes"],
  none: ["无主题", "No theme"],
  uncertain: ["待复核", "To review"],
  uncertainTheme: ["{theme}？", "{theme}?"],
  reviewed: ["已复核", "Reviewed"],
  search: ["在文件中查找", "Find in the document"],
  clear: ["清除筛选", "Clear"],
  shown: ["显示 {n} / {all} 段", "{n} of {all} paragraphs"],
  shownAll: ["共 {all} 段", "{all} paragraphs"],
  nothingShown: ["没有符合条件的段落。", "No paragraph fits."],
  furniture: ["显示署名和页面信息", "Show bylines and page furniture"],
  aside_furniture: ["页面信息", "Page furniture"],
  aside_byline: ["署名", "Byline"],
  overview: ["主题分布", "Themes at a glance"],
  ofDocument: ["全文", "The document"],
  ofRegions: ["按章节", "By section"],
  ofFiles: ["按文件", "By file"],
  table: ["数据表", "Data table"],
  region: ["章节", "Section"],
  file: ["文件", "File"],
  paragraphs: ["段落", "Paragraphs"],
  share: ["{n} 段 · {percent}%", "{n} · {percent} %"],
  otherRegions: ["其余 {n} 个部分", "{n} more"],
  chartLabel: ["{name}：{figures}", "{name}: {figures}"],
  figure: ["{theme} {n} 段", "{theme} {n}"],
  // a paragraph
  why: ["“{theme}”的依据", "Why “{theme}”"],
  hideWhy: ["隐藏依据", "Hide the reasons"],
  whyProbability: ["概率 {score}（阈值 {threshold}）", "probability {score} (threshold {threshold})"],
  whyTerms: ["依据词", "Weighty terms"],
  noEvidence: ["模型没有给出这个主题的依据。", "The model gave no evidence for this theme."],
  noTheme: ["无主题", "No theme"],
  scores: ["各主题的概率", "Probabilities"],
  scoresOfModel: ["模型给出的概率", "The model's probabilities"],
  threshold: ["竖线为阈值", "The line marks the threshold"],
  correct: ["更正", "Correct"],
  confirm: ["标注无误", "It is right"],
  copy: ["复制", "Copy"],
  copied: ["已复制段落和主题。", "Paragraph and themes copied."],
  notCopied: ["浏览器不允许复制，请手工选择文字。", "The browser does not allow it; select the text by hand."],
  editor: ["这一段的主题", "Themes of this paragraph"],
  primary: ["主要主题", "Leading theme"],
  primaryUnset: ["未指定", "Not said"],
  primaryOther: ["没有单一主题为主", "No single one"],
  finish: ["完成", "Done"],
  correction_waiting: ["已更正", "Corrected"],
  correction_sending: ["正在保存……", "Saving …"],
  correction_kept: ["已更正并保存", "Corrected and kept"],
  correction_confirmed: ["已确认并保存", "Confirmed and kept"],
  correction_failed: ["更正没有保存：{message}", "Not kept: {message}"],
  correction_withdrawn: ["正在撤销……", "Undoing …"],
  correction_was: ["模型：{themes}", "Model: {themes}"],
  undo: ["撤销", "Undo"],
  columns: ["其他列", "Other columns"],
  // downloads
  download: ["下载", "Download"],
  downloadOf: ["下载 {format}", "Download {format}"],
  downloadAll: ["全部下载", "Download all"],
  downloadAllOf: ["全部下载为 {format}", "Download all as {format}"],
  allFiles: ["全部文件", "all-documents"],
  downloading: ["正在准备 {format}……", "Preparing {format} …"],
  downloaded: ["{name} 已下载。", "{name} is downloaded."],
  downloadFailed: ["下载未成功：{message}", "The download failed: {message}"],
  corrections: ["更正记录", "Corrections"],
  correctionsHint: [
    "Excel、CSV、HTML 里是模型的标注；您的 {n} 处更正已另存在服务端，也可以下载“更正记录”。",
    "Excel, CSV and HTML hold the model's labels; your {n} corrections are kept by the service, and can be downloaded as “Corrections”.",
  ],
  suffix: ["主题", "themes"],
  // keys
  keyHeading: ["需要访问密钥", "An API key is needed"],
  keyLead: ["这个服务设置了访问密钥。请填写管理员给您的密钥；它只保存在这个浏览器窗口里。", "This service asks for an API key. Enter the one that its administrator gave you; it stays in this browser window."],
  keyLabel: ["访问密钥", "API key"],
  keyRefused: ["这个密钥没有被接受，请检查后再试。", "That key was not accepted. Check it and try again."],
  keySend: ["继续", "Continue"],
  helpHeading: ["快捷键", "Keys"],
  help_next: ["下一段、上一段", "next, previous paragraph"],
  help_arrows: ["同上（焦点在段落上时）", "the same, once a paragraph has the focus"],
  help_uncertain: ["下一处待复核", "next paragraph to review"],
  help_digits: ["给当前段落加上或去掉第一至第五个主题", "give or take the first to fifth theme"],
  help_edit: ["更正当前段落", "correct the current paragraph"],
  help_confirm: ["确认当前段落标注无误", "confirm that its label is right"],
  help_undo: ["撤销对当前段落的更正", "undo its correction"],
  help_copy: ["复制当前段落和主题", "copy it with its themes"],
  help_search: ["查找", "find"],
  help_escape: ["收起浮层、依据和更正框", "close what is open"],
  help_this: ["显示这张表", "this table"],
  singleKeys: ["使用单键快捷键", "Use single-key shortcuts"],
};

/** Fires `change` when the language has changed. */
export const languageChanges = new EventTarget();

export const isEnglish = () => document.documentElement.lang === "en";

/**
 * The words for `key`, with `{name}` replaced by the value of that name.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function words(key, values = {}) {
  const text = TEXTS[key]?.[isEnglish() ? 1 : 0];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_whole, name) => String(values[name] ?? ""));
}

/** @param {string} key */
export const hasWords = (key) => key in TEXTS;

/**
 * @param {import("./answer.js").Theme | undefined} theme
 * @param {string} id shown where the theme is not known
 */
export const themeName = (theme, id) => (theme ? (isEnglish() ? theme.name_en : theme.name_zh) : id);

/** Put the words into every element that names them: `data-words` its text, `data-words-label`, `-placeholder` and `-title` its attributes. */
export function showWords() {
  document.title = words("title");
  for (const found of document.querySelectorAll("[data-words]")) found.textContent = words(/** @type {HTMLElement} */ (found).dataset.words ?? "");
  for (const [name, attribute] of [["label", "aria-label"], ["placeholder", "placeholder"], ["title", "title"]]) {
    for (const found of document.querySelectorAll(`[data-words-${name}]`)) {
      found.setAttribute(attribute, words(found.getAttribute(`data-words-${name}`) ?? ""));
    }
  }
}

export function switchLanguage() {
  const root = document.documentElement;
  root.lang = isEnglish() ? "zh-CN" : "en";
  keep("language", root.lang);
  showWords();
  languageChanges.dispatchEvent(new Event("change"));
}
