/** The settings of all charts of a view; the address keeps them. */

import { h, uid } from "./dom.js";
import { setQuery } from "./route.js";

/** @typedef {import("./curves.js").Tools} Tools */

/** @param {Record<string, string>} query @returns {Tools} */
export function toolsOf(query) {
  const smoothing = Number(query.smooth ?? 0);
  return { x: query.x === "time" ? "time" : "epoch", xLog: query.xlog === "1", yLog: query.y === "log", smoothing: smoothing >= 0 && smoothing < 1 ? smoothing : 0 };
}

/** @param {Tools} tools changed in place @param {() => void} changed */
export function toolbar(tools, changed) {
  const save = () => {
    setQuery({ x: tools.x === "time" ? "time" : null, xlog: tools.xLog ? "1" : null, y: tools.yLog ? "log" : null, smooth: tools.smoothing || null });
    changed();
  };
  const slider = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: String(tools.smoothing), id: uid("smooth") });
  const exact = h("input", { type: "number", min: 0, max: 0.999, step: 0.001, value: String(tools.smoothing), "aria-label": "Smoothing, exact", style: { width: "84px" } });
  const setSmoothing = (text) => {
    const value = Math.min(0.999, Math.max(0, Number(text) || 0));
    tools.smoothing = value;
    slider.value = String(value);
    if (document.activeElement !== exact) exact.value = String(value);
    save();
  };
  slider.addEventListener("input", () => setSmoothing(slider.value));
  exact.addEventListener("input", () => setSmoothing(exact.value));
  const box = (label, name) => {
    const input = h("input", { type: "checkbox", checked: tools[name] });
    input.addEventListener("change", () => {
      tools[name] = input.checked;
      save();
    });
    return h("label", input, label);
  };
  const axis = h("select", { value: tools.x }, h("option", { value: "epoch" }, "Epoch"), h("option", { value: "time" }, "Time"));
  axis.addEventListener("change", () => {
    tools.x = axis.value === "time" ? "time" : "epoch";
    save();
  });
  return h("div.tools", { role: "group", "aria-label": "Charts" }, h("label", "Smoothing", slider), exact, h("label", "x", axis), box("Log x", "xLog"), box("Log y", "yLog"));
}
