// What went wrong, as a sentence: the service's own where it gave one; it says what to do.

import { hasWords, isEnglish, words } from "./language.js";
import { ServiceProblem } from "./service_client.js";

/**
 * @param {unknown} problem
 * @returns {string}
 */
export function problemText(problem) {
  if (!(problem instanceof ServiceProblem)) return words("problem_page");
  const own = ownWords(problem);
  if (!problem.detail) return own;
  if (isEnglish()) return `${own} (${problem.detail})`; // the service's sentences are Chinese
  return problem.status === 413 ? `${own}（${problem.detail}）` : problem.detail; // that one speaks of request bodies
}

/** @param {ServiceProblem} problem */
function ownWords(problem) {
  for (const key of [`problem_${problem.kind.replaceAll("-", "_")}`, `problem_${problem.status}`]) if (hasWords(key)) return words(key);
  return words("problem_other", { status: problem.status });
}
