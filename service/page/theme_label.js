// A theme as the page shows it: its marker, its colours and, always, its name.

import { element } from "./element.js";
import { themeName, words } from "./language.js";

/** @typedef {import("./answer.js").Theme} Theme */

/** The themes of the served model, with what the page needs to show them. */
export class ThemeLabels {
  /** @param {Theme[]} themes */
  constructor(themes) {
    this.themes = themes;
    this.places = new Map(themes.map((theme, place) => [theme.id, place]));
  }

  /** @param {string} id */
  name(id) {
    return themeName(this.themes[this.places.get(id) ?? -1], id);
  }

  /** @param {string[]} ids */
  names(ids) {
    return ids.length ? ids.map((id) => this.name(id)).join("、") : words("noTheme");
  }

  /**
   * The class that gives an element the theme's colours and marker.
   * @param {string | undefined} id
   */
  style(id) {
    const place = id === undefined ? undefined : this.places.get(id);
    return place === undefined ? "" : `theme-${place}`;
  }

  /**
   * Marker and name.
   * @param {string} id
   * @param {string} [text] instead of the name
   */
  parts(id, text = this.name(id)) {
    return [element("span", { class: "marker", "aria-hidden": "true" }), text];
  }
}
