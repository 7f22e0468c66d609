/** Two panes side by side where there is room, and tabs where there is not. */

import { byId } from './page.js';

/** As in simulator.css. */
const NARROW = '(max-width: 47.99rem)';

/** The tabs of narrow screens. */
export class Tabs {
  #list = byId('tabs');
  #tabs = /** @type {HTMLButtonElement[]} */ ([...this.#list.querySelectorAll('[data-pane]')]);
  #narrow = globalThis.matchMedia(NARROW);
  #chosen = this.#tabs[0];
  /** @type {(pane: string) => void} */
  #onShow;

  /** @param {(pane: string) => void} onShow called with the id of a pane that came into view */
  constructor(onShow) {
    this.#onShow = onShow;
    for (const tab of this.#tabs) tab.addEventListener('click', () => this.#choose(tab));
    this.#list.addEventListener('keydown', (event) => this.#moveByArrow(event));
    this.#narrow.addEventListener('change', () => this.#arrange());
    this.#arrange();
  }

  /**
   * @param {string} pane an id
   * @returns {boolean}
   */
  isShown(pane) {
    return !this.#narrow.matches || this.#chosen.dataset.pane === pane;
  }

  /** @param {HTMLButtonElement} tab */
  #choose(tab) {
    this.#chosen = tab;
    this.#arrange();
  }

  /** @param {KeyboardEvent} event */
  #moveByArrow(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    // There are two, so both arrows lead to the other.
    const other = this.#tabs.find((tab) => tab !== this.#chosen);
    if (!other) return;
    this.#choose(other);
    other.focus();
  }

  #arrange() {
    const isNarrow = this.#narrow.matches;
    // Side by side they are plain sections: roles of tabs would promise tabs that are not there.
    setOrRemove(this.#list, 'role', isNarrow ? 'tablist' : null);
    for (const tab of this.#tabs) this.#arrangeOne(tab, isNarrow);
  }

  /**
   * @param {HTMLButtonElement} tab
   * @param {boolean} isNarrow
   */
  #arrangeOne(tab, isNarrow) {
    const name = tab.dataset.pane ?? '';
    const pane = byId(name);
    const isChosen = tab === this.#chosen;
    setOrRemove(tab, 'role', isNarrow ? 'tab' : null);
    setOrRemove(tab, 'aria-selected', isNarrow ? String(isChosen) : null);
    setOrRemove(tab, 'aria-controls', isNarrow ? name : null);
    tab.tabIndex = isChosen ? 0 : -1;
    setOrRemove(pane, 'role', isNarrow ? 'tabpanel' : null);
    pane.hidden = isNarrow && !isChosen;
    if (!pane.hidden) this.#onShow(name);
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | null} value
 */
function setOrRemove(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}
