/** A call's events as a conversation: interim and final words, what was heard and what was not. */

const TROUBLES = "Something went wrong and was handled";

export class Transcript {
  #conversation;
  #interim = false;
  #saying = new Map();

  constructor(conversation) {
    this.#conversation = conversation;
  }

  newCall() {
    this.#conversation.newCall();
    this.#saying.clear();
    this.#interim = false;
  }

  /** @param {{kind: string, turn: number, data: object}} event */
  show(event) {
    this[`on${event.kind}`]?.(event.data, event.turn);
  }

  onCallerHeard({ text }) {
    if (!text) return;
    const bubble = this.#conversation.bubble("interim", "caller");
    bubble.classList.add("interim");
    bubble.setAttribute("aria-hidden", "true");
    this.#conversation.write(bubble, ["", text]);
    this.#interim = true;
  }

  onCallerSaid({ text, confidence }, turn) {
    this.#dropInterim();
    const bubble = this.#conversation.bubble(`caller ${turn}`, "caller");
    this.#conversation.write(bubble, ["", text]);
    if (confidence < 0.5) this.#conversation.remark(bubble, "not sure of these words");
  }

  onAgentSaying({ text }, turn) {
    this.#dropInterim();
    const said = joined(this.#saying.get(turn) ?? "", text);
    this.#saying.set(turn, said);
    this.#conversation.write(this.#conversation.bubble(`agent ${turn}`, "agent"), ["pending", said]);
  }

  onAgentSaid({ text, interrupted, unheard = "" }, turn) {
    this.#saying.delete(turn);
    if (!text && !unheard) return this.#conversation.forget(`agent ${turn}`);
    const bubble = this.#conversation.bubble(`agent ${turn}`, "agent");
    const gap = joined(text, unheard).length > text.length + unheard.length ? " " : "";
    this.#conversation.write(bubble, ["", text + gap], ["unheard", unheard]);
    this.#conversation.remark(bubble, interrupted ? "interrupted" : "");
  }

  onToolStarted({ call_id: id, name, arguments: args }) {
    this.#conversation.tool(id, name, args);
  }

  onToolFinished({ call_id: id, ok, duration_ms: milliseconds, result }) {
    this.#conversation.toolDone(id, ok, milliseconds, result);
  }

  onKeyPressed({ digit }) {
    this.#conversation.divider(`You pressed ${digit}`);
  }

  onTrouble({ where }) {
    this.#conversation.divider(where ? `${TROUBLES} (${where}).` : `${TROUBLES}.`);
  }

  onCallEnded() {
    this.#dropInterim();
  }

  #dropInterim() {
    if (this.#interim) this.#conversation.forget("interim");
    this.#interim = false;
  }
}

function joined(before, after) {
  return before && after && !/\s$/.test(before) && !/^\s/.test(after) ? `${before} ${after}` : before + after;
}
