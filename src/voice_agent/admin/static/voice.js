/** The page where one talks: one button, one call at a time. */

import { AudioProblem, CallAudio } from "./audio.js";
import { Conversation, element } from "./conversation.js";
import { showLatency } from "./latency.js";
import { VoiceSocket } from "./socket.js";
import { Transcript } from "./transcript.js";

const STATUS = {
  idle: "Press start and speak.",
  connecting: "Connecting…",
  listening: "Listening",
  thinking: "Thinking…",
  speaking: "Speaking. You may interrupt.",
  ending: "Ending…",
};
const ENDINGS = {
  caller_hung_up: "Call ended.",
  agent_ended: "The agent ended the call.",
  transferred: "The agent passed the call on to a person. (In the demo nobody picks up.)",
  caller_idle: "The agent ended the call because it heard nothing.",
  too_long: "The call reached its longest time.",
  server_stopped: "The server is stopping.",
  connection_lost: "The connection was lost.",
  failed: "The call failed at the server; its log says why.",
};
const KEYS = [..."123456789*0#"];

const byId = (id) => document.getElementById(id);
const stage = byId("stage");
const conversation = new Conversation(byId("log"), byId("empty"));
const transcript = new Transcript(conversation);

let call = null;
let calls = 0;

/** One call: its sound, its socket and what it is doing. */
class LiveCall {
  #audio = null;
  #socket = null;
  #playing = false;
  #awaiting = false;
  #over = false;

  async start() {
    show("connecting");
    try {
      this.#audio = await CallAudio.open(this.#soundListeners(), byId("volume").value / 100);
    } catch (error) {
      this.end(error instanceof AudioProblem ? error.message : String(error));
      return;
    }
    if (this.#over) this.#audio.close();
    else this.#socket = new VoiceSocket(this.#socketListeners());
  }

  #soundListeners() {
    return {
      onPiece: (pcm) => this.#socket?.sendSound(pcm),
      onLevel: (level) => setLevel("level-you", level * 3),
      onAgentLevel: (level) => setLevel("level-agent", level),
      onPlaying: (playing) => this.#note({ playing }),
      onPlayed: (mark) => this.#socket?.played(mark),
      onLost: (why) => this.end(why),
    };
  }

  #socketListeners() {
    return {
      ready: () => this.#begin(),
      sound: (pcm) => this.#audio.play(pcm),
      mark: ({ name }) => this.#audio.mark(name),
      clear: () => this.#audio.clear(),
      event: (event) => this.#follow(event),
      ended: ({ disposition }) => this.end("", ENDINGS[disposition] ?? "Call ended."),
      error: ({ detail }) => complain(detail, false),
      close: (reason) => this.end(reason ? `The server closed the call: ${reason}.` : "The connection was lost.", "", true),
    };
  }

  #begin() {
    transcript.newCall();
    if (calls++) conversation.divider("New call");
    byId("mute").disabled = false;
    this.muted = byId("mute").getAttribute("aria-pressed") === "true";
    this.#note({});
  }

  #follow(event) {
    transcript.show(event);
    if (event.kind === "TurnMeasured") showLatency(event.data);
    if (event.kind === "CallerSaid") this.#note({ awaiting: true });
    if (event.kind === "ReplyStarted" || event.kind === "AgentSaid") this.#note({ awaiting: false });
  }

  #note({ playing = this.#playing, awaiting = this.#awaiting }) {
    this.#playing = playing;
    this.#awaiting = awaiting;
    if (this.#over || !this.#socket) return;
    show(playing ? "speaking" : awaiting ? "thinking" : "listening");
  }

  set muted(muted) {
    if (this.#audio) this.#audio.muted = muted;
  }

  set volume(volume) {
    if (this.#audio) this.#audio.volume = volume;
  }

  key(digit) {
    this.#socket?.key(digit);
  }

  /** The person has enough: the server says how the call ended, or we do not wait for it. */
  hangUp() {
    if (!this.#socket?.isOpen) {
      this.end("", ENDINGS.caller_hung_up);
      return;
    }
    this.#audio.clear();
    this.#socket.hangUp();
    show("ending");
    setTimeout(() => this.end("", ENDINGS.caller_hung_up), 1500);
  }

  end(problem, note = "", lost = false) {
    if (this.#over) return;
    this.#over = true;
    this.#socket?.close();
    this.#audio?.close();
    if (call === this) call = null;
    show("idle");
    setLevel("level-you", 0);
    setLevel("level-agent", 0);
    byId("mute").disabled = true;
    if (problem) complain(problem, lost);
    if (note) conversation.divider(note);
    byId("status").textContent = note || STATUS.idle;
  }
}

function show(state) {
  stage.dataset.state = state;
  byId("status").textContent = STATUS[state];
  byId("talk-label").textContent = state === "idle" ? "Start" : "Stop";
}

function setLevel(id, level) {
  const shown = Math.min(1, Math.sqrt(level)).toFixed(3);
  byId(id).style.setProperty("--level", shown);
  const speaking = stage.dataset.state === "speaking";
  if (speaking === (id === "level-agent")) byId("talk").style.setProperty("--level", shown);
}

function complain(text, canReconnect) {
  byId("alert-text").textContent = text;
  byId("reconnect").hidden = !canReconnect;
  byId("alert").hidden = false;
}

function startCall() {
  byId("alert").hidden = true;
  call = new LiveCall();
  call.start();
}

function toggleMute() {
  const button = byId("mute");
  const muted = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(muted));
  button.textContent = muted ? "Muted" : "Mute";
  if (call) call.muted = muted;
}

function makeKey(digit) {
  const key = element("button", "button", digit);
  key.type = "button";
  key.addEventListener("click", () => call?.key(digit));
  return key;
}

byId("talk").addEventListener("click", () => (call ? call.hangUp() : startCall()));
byId("reconnect").addEventListener("click", startCall);
byId("mute").addEventListener("click", toggleMute);
byId("clear").addEventListener("click", () => conversation.clear());
byId("volume").addEventListener("input", ({ target }) => {
  if (call) call.volume = target.value / 100;
});
byId("keys").append(...KEYS.map(makeKey));
window.addEventListener("pagehide", () => call?.end(""));
