/** The last turn's latency and the parts it is made of. */

import { element } from "./conversation.js";

const NAMES = {
  hear: "hearing",
  decide: "turn end",
  think: "thinking",
  phrase: "first clause",
  speak: "voice",
  send: "sending",
};
const TINTS = 6;

/** @param {{total_ms: number, stages: Record<string, number>}} measured */
export function showLatency({ total_ms: total, stages }) {
  document.getElementById("latency-none").hidden = true;
  document.getElementById("latency").hidden = false;
  document.getElementById("latency-total").textContent = Math.round(total);
  const entries = Object.entries(stages);
  document.getElementById("latency-bar").replaceChildren(...entries.map(([, ms], i) => segment(ms, i)));
  document.getElementById("latency-parts").replaceChildren(...entries.map(([name, ms], i) => part(name, ms, i)));
}

function segment(milliseconds, index) {
  const made = element("div", tint(index));
  made.style.setProperty("--share", Math.max(milliseconds, 0.01));
  return made;
}

function part(name, milliseconds, index) {
  const made = element("div", tint(index));
  made.append(element("dt", "", NAMES[name] ?? name), element("dd", "", `${Math.round(milliseconds)} ms`));
  return made;
}

function tint(index) {
  return `stage-${(index % TINTS) + 1}`;
}
