/** Problems of a request at the fields that their JSON pointers name. */

import { h } from "./dom.js";

/**
 * Shows each problem at the field with the longest pointer above its own, and returns those that have no field.
 * @param {HTMLElement} form
 * @param {{pointer: string, detail: string}[]} problems
 */
export function placeProblems(form, problems) {
  for (const old of form.querySelectorAll(".problem.at-field")) old.remove();
  for (const old of form.querySelectorAll(".wrong")) {
    old.classList.remove("wrong");
    old.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
  }
  const fields = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-pointer]")]).filter((place) => !place.hidden && place.offsetParent !== null);
  return problems.filter(({ pointer, detail }) => {
    const place = closest(fields.map((it) => it.dataset.pointer ?? ""), pointer);
    if (place < 0) return true;
    const target = fields[place];
    const below = pointer.slice((target.dataset.pointer ?? "").length);
    target.classList.add("wrong");
    if (target instanceof HTMLDetailsElement) target.open = true;
    target.closest("details")?.setAttribute("open", "");
    const control = target.querySelector("input, select, textarea");
    control?.setAttribute("aria-invalid", "true");
    target.append(h("small.problem.at-field", below ? `${below.slice(1).replaceAll("/", " › ")}: ${detail}` : detail));
    return false;
  });
}

/** The index of the longest of `pointers` that is `wanted` or above it; -1 where there is none.
 * @param {string[]} pointers @param {string} wanted */
export function closest(pointers, wanted) {
  let best = -1;
  pointers.forEach((pointer, index) => {
    const isAbove = pointer !== "" && (wanted === pointer || wanted.startsWith(`${pointer}/`));
    if (isAbove && (best < 0 || pointer.length > pointers[best].length)) best = index;
  });
  return best;
}
