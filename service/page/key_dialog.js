// Asks for an API key, when and only when the service wants one.

import { byId } from "./element.js";
import { words } from "./language.js";

/**
 * @returns {() => Promise<string | null>} shows the dialog; null: the user gave no key
 */
export function keyDialog() {
  const dialog = byId("key-dialog", HTMLDialogElement);
  const field = byId("key", HTMLInputElement);
  const refused = byId("key-refused", HTMLElement);
  let asked = false;
  byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) dialog.close(field.value.trim());
  });
  return () => {
    refused.textContent = asked ? words("keyRefused") : "";
    refused.hidden = !asked;
    asked = true;
    field.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    field.focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
    });
  };
}
