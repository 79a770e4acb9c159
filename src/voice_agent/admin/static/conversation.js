/** Shows who said what, and what was done, in order. Only text is ever put into the page. */

export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export class Conversation {
  #log;
  #empty;
  #bubbles = new Map();
  #cards = new Map();

  /** @param {HTMLElement} log scrolls @param {HTMLElement} empty shown while nothing was said */
  constructor(log, empty) {
    this.#log = log;
    this.#empty = empty;
  }

  /** The bubble of one speaker in one turn, made when it is first asked for. */
  bubble(key, speaker) {
    const known = this.#bubbles.get(key);
    if (known) return known;
    const bubble = element("div", `bubble ${speaker}`);
    const words = element("span", "words");
    bubble.append(element("span", "who", speaker === "caller" ? "You" : "Agent"), words);
    this.#bubbles.set(key, bubble);
    this.#append(bubble);
    return bubble;
  }

  has(key) {
    return this.#bubbles.has(key);
  }

  forget(key) {
    this.#bubbles.get(key)?.remove();
    this.#bubbles.delete(key);
  }

  /** Replace a bubble's words: pairs of a class name and a text. */
  write(bubble, ...parts) {
    const words = parts.filter(([, text]) => text).map(([name, text]) => element("span", name, text));
    this.#follow(() => bubble.querySelector(".words").replaceChildren(...words));
  }

  /** A small remark under a bubble. */
  remark(bubble, text) {
    bubble.querySelector(".aside")?.remove();
    if (text) this.#follow(() => bubble.append(element("span", "aside", text)));
  }

  tool(key, name, args) {
    const card = element("div", "card");
    const line = element("div", "line");
    line.append(element("span", "name", name.replaceAll("_", " ")));
    if (written(args)) line.append(element("code", "", written(args)));
    line.append(element("span", "tag", "running"));
    card.append(line);
    this.#cards.set(key, card);
    this.#append(card);
  }

  toolDone(key, ok, milliseconds, result) {
    const card = this.#cards.get(key);
    if (!card) return;
    const tag = card.querySelector(".tag");
    tag.className = `tag ${ok ? "ok" : "failed"}`;
    tag.textContent = (ok ? "done" : "failed") + (milliseconds === undefined ? "" : ` in ${Math.round(milliseconds)} ms`);
    if (result && Object.keys(result).length) this.#follow(() => this.#unfoldable(card, key, result));
  }

  #unfoldable(card, key, result) {
    const details = element("details", "card");
    const summary = element("summary", "");
    summary.append(...card.querySelector(".line").childNodes);
    details.append(summary, element("pre", "", JSON.stringify(result, null, 2)));
    card.replaceWith(details);
    this.#cards.set(key, details);
  }

  divider(text) {
    this.#append(element("p", "divider", text));
  }

  clear() {
    this.#bubbles.clear();
    this.#cards.clear();
    this.#log.replaceChildren(this.#empty);
    this.#empty.hidden = false;
  }

  /** Turns of a new call start from 1 again: what is shown stays, its keys are free. */
  newCall() {
    this.#bubbles.clear();
    this.#cards.clear();
  }

  #append(child) {
    this.#empty.hidden = true;
    this.#follow(() => this.#log.append(child));
  }

  /** Stay at the newest line, unless the reader has scrolled away from it. */
  #follow(change) {
    const log = this.#log;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    change();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}

function written(args) {
  return Object.entries(args ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
