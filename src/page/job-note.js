/** The note and the labels of a job: the only part of a job that people write, so it stays while the rest is drawn again. */

import { card, h, onChange, replace } from "./dom.js";

/**
 * @param {(changes: any, done: string) => Promise<void>} patch
 * @returns {{element: HTMLElement, show: (job: any) => void}}
 */
export function notePart(patch) {
  const note = h("textarea", { rows: 3, "aria-label": "Note", placeholder: "What is this job for?", onchange: () => patch({ note: note.value.trim() || null }, "The note is saved") });
  const label = h("input", { placeholder: "team=a", "aria-label": "New label, name=value" });
  const chips = h("div.chips");
  const remove = async (name) => {
    await patch({ labels: { [name]: null } }, "The label is removed");
    label.focus();
  };
  const add = async (event) => {
    event.preventDefault();
    const [name, ...value] = label.value.split("=");
    if (!name.trim()) return;
    label.value = "";
    await patch({ labels: { [name.trim()]: value.join("=").trim() || "yes" } }, "The label is set");
  };
  const isOtherNote = onChange();
  const areOtherLabels = onChange();
  return {
    element: card("Note and labels", null, note, chips, h("form.row", { onsubmit: add }, label, h("button", { type: "submit" }, "Add label"))),
    show: (job) => {
      // What someone types is not overwritten by what was saved.
      if (isOtherNote(job.note ?? "") && document.activeElement !== note) note.value = job.note ?? "";
      if (!areOtherLabels(job.labels)) return;
      replace(chips, Object.entries(job.labels ?? {}).map(([name, value]) => h("span.chip.on", `${name}=${value}`, h("button.quiet.small", { "aria-label": `Remove the label ${name}`, onclick: () => remove(name) }, "×"))));
    },
  };
}
