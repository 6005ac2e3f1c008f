// Language, colours and text size, at the head of the page.

import { byId, element, replace } from "./element.js";
import { languageChanges, showWords, switchLanguage, words } from "./language.js";
import { keep } from "./settings.js";

const CHOICES = /** @type {const} */ ({
  colours: { attribute: "colourChoice", values: ["auto", "light", "dark"] },
  size: { attribute: "size", values: ["normal", "large", "larger"] },
});

export function offerDisplaySettings() {
  byId("language", HTMLButtonElement).addEventListener("click", switchLanguage);
  for (const [name, { attribute, values }] of Object.entries(CHOICES)) {
    const select = byId(name, HTMLSelectElement);
    const show = () => {
      const chosen = document.documentElement.dataset[attribute];
      replace(select, ...values.map((value) => element("option", { value, selected: value === chosen }, words(`${name}_${value}`))));
    };
    select.addEventListener("change", () => {
      document.documentElement.dataset[attribute] = select.value;
      keep(name, select.value);
    });
    languageChanges.addEventListener("change", show);
    show();
  }
  showWords();
}
