// What a user chose and the browser keeps: language, colours, text size. Storage may be forbidden; then a choice lasts as long as the page.

/**
 * @param {string} name
 * @param {string} value
 */
export function keep(name, value) {
  try {
    localStorage.setItem(`policy-themes.${name}`, value);
  } catch {
    // nothing to do: the page already shows the choice
  }
}

/**
 * @param {string} name
 * @returns {string | null}
 */
export function kept(name) {
  try {
    return localStorage.getItem(`policy-themes.${name}`);
  } catch {
    return null;
  }
}
