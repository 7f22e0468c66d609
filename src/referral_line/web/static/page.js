/** Small helpers for the page. Text goes in as text, never as markup. */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`simulator.html has no #${id}`);
  return found;
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} text
 * @returns {HTMLElement}
 */
export function makeText(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * @param {string} className
 * @param {string} text
 * @param {{dir?: string, lang?: string}} [attributes]
 * @returns {HTMLElement}
 */
export function makeLine(className, text, { dir, lang } = {}) {
  const line = makeText('p', className, text);
  if (dir) line.dir = dir;
  if (lang) line.lang = lang;
  return line;
}
