/** Elements from data. Text is always set as text: nothing that a user wrote becomes markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes
 * @param {(Child | Child[])[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) /** @type {HTMLElement} */ (element).style.setProperty(key, String(text));
    else if (name in element && (name === "value" || name === "checked" || name === "disabled" || name === "selected" || name === "open" || name === "hidden" || name === "indeterminate")) /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, ...children);
  return element;
}

/**
 * An HTML element, as hyperscript has it: `h("p.hint", {id}, "text")`. `on…` are listeners, `style` is an object, and attributes can be
 * left out. A button sends no form unless its type says so.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T | `${T}.${string}`} selector the tag and classes
 * @param {...(Record<string, any> | Child | Child[])} parts attributes, then children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(selector, ...parts) {
  const [tag, ...classes] = selector.split(".");
  const hasAttributes = parts[0] !== null && typeof parts[0] === "object" && Object.getPrototypeOf(parts[0]) === Object.prototype;
  // A select's value needs its options first.
  const { value, ...others } = /** @type {Record<string, any>} */ (hasAttributes ? parts[0] : {});
  const element = /** @type {any} */ (document.createElement(tag));
  element.classList.add(...classes);
  if (tag === "button") element.type = "button";
  fill(element, others, /** @type {Child[]} */ (hasAttributes ? parts.slice(1) : parts));
  if (value !== undefined && value !== null) element.value = value;
  return element;
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (fill(document.createElementNS(SVG, tag), attributes, children));
}

/**
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function append(parent, ...children) {
  for (const child of /** @type {Child[]} */ (children.flat(Infinity))) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function replace(parent, ...children) {
  parent.replaceChildren();
  append(parent, ...children);
}

/** Sets the text only where it differs, so that nothing is announced or painted twice.
 * @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says whether a value is other than the one before: a part is drawn again only then, so that focus, clicks and readers keep it. */
export function onChange() {
  let before = "";
  return (/** @type {any} */ value) => {
    const now = JSON.stringify(value ?? null);
    const isOther = now !== before;
    before = now;
    return isOther;
  };
}

/** A number for ids of labels and descriptions. */
let last = 0;
export const uid = (prefix = "e") => `${prefix}-${++last}`;

/**
 * A labelled field.
 * @param {string} label
 * @param {HTMLElement} control
 * @param {{hint?: Child, pointer?: string, class?: string}} [options]
 */
export function field(label, control, options = {}) {
  control.id ||= uid("field");
  const hint = options.hint ? h("small.hint", { id: uid("hint") }, options.hint) : null;
  if (hint) control.setAttribute("aria-describedby", hint.id);
  return h("div", { class: `field ${options.class ?? ""}`, "data-pointer": options.pointer }, h("label", { for: control.id }, label), control, hint);
}

/** A part that scrolls by itself, also by keyboard. @param {string} label @param {...(Child | Child[])} children */
export const scrolled = (label, ...children) => h("div.scroll", { tabindex: "0", role: "region", "aria-label": label }, ...children);

/** Cells of numbers, and the title of their column. @param {...(Child | Child[])} children */
export const num = (...children) => h("td.num", ...children);
/** @param {...(Child | Child[])} children */
export const numTitle = (...children) => h("th.num", { scope: "col" }, ...children);
/** The title of a row. @param {...(Child | Child[])} children */
export const rowTitle = (...children) => h("th", { scope: "row" }, ...children);

/** A table that scrolls. @param {string} label @param {(string | HTMLElement)[]} titles @param {(Child | Child[])[]} rows @param {string} [kind] */
export const table = (label, titles, rows, kind) => scrolled(label, h("table", { class: kind }, h("caption.sr-only", label),
  h("thead", h("tr", titles.map((title) => (typeof title === "string" ? h("th", { scope: "col" }, title) : title)))), rows[0] instanceof HTMLTableSectionElement ? rows : h("tbody", ...rows)));

/** A section with its title, and what is beside the title. @param {string} title @param {Child} beside @param {...(Child | Child[])} children */
export const card = (title, beside, ...children) => h("section.card", { "aria-label": title }, beside ? h("div.row.between", h("h2", title), beside) : h("h2", title), ...children);

/** A short message that goes away by itself.
 * @param {string} text @param {"info" | "error"} [kind] */
export function toast(text, kind = "info") {
  const box = document.getElementById("toasts");
  const item = h("div", { class: `toast ${kind}` }, text, h("button.quiet", { "aria-label": "Dismiss", onclick: () => item.remove() }, "×"));
  box?.append(item);
  setTimeout(() => item.remove(), kind === "error" ? 15000 : 5000);
}

/** What to do next, where there is nothing to show.
 * @param {string} title @param {...(Child | Child[])} children */
export const empty = (title, ...children) => h("div.empty", h("h2", title), ...children);

/** A button that copies.
 * @param {() => string} text @param {string} [label] */
export function copyButton(text, label = "Copy") {
  const button = h("button.quiet.small", label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** Saves a file.
 * @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
