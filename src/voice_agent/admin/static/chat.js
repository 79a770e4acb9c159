/** The page where one writes: replies stream in, a new message or Stop cuts them short. */

import { Conversation, element } from "./conversation.js";
import { ChatSocket } from "./socket.js";

const SUGGESTIONS = [
  "Where is my order 1042?",
  "What are your opening hours?",
  "I would like to talk to a person.",
];
const ENDINGS = {
  agent_ended: "The agent ended the conversation.",
  transferred: "The agent passed the conversation on to a person. (In the demo nobody answers.)",
  caller_idle: "The conversation ended because nothing was written for a while.",
  server_stopped: "The server is stopping.",
};

const byId = (id) => document.getElementById(id);
const text = byId("text");
const conversation = new Conversation(byId("log"), byId("empty"));

let socket = null;
let sent = 0;
let turn = 0;
let reply = "";
let tools = 0;
let stopped = 0;

function connect() {
  setConnection("connecting", "Connecting");
  byId("alert").hidden = true;
  const mine = new ChatSocket({
    ready: () => setConnection("open", "Connected"),
    delta: (message) => addDelta(message),
    tool: (message) => showTool(message),
    done: (message) => finish(message),
    ended: ({ disposition }) => end(ENDINGS[disposition] ?? "The conversation has ended."),
    error: ({ detail }) => complain(detail, false),
    close: () => end("", "The connection was lost."),
  });
  conversation.newCall();
  sent = turn = tools = stopped = 0;
  reply = "";
  socket = mine;
}

function setConnection(state, words) {
  byId("connection").dataset.state = state;
  byId("connection").textContent = words;
  refresh();
}

function waiting() {
  return turn < sent;
}

function refresh() {
  const open = byId("connection").dataset.state === "open";
  byId("send").disabled = !open || !text.value.trim();
  byId("cancel").hidden = !open || !waiting();
}

function submit(words) {
  const message = words.trim();
  if (!message || !socket?.isOpen) return;
  byId("alert").hidden = true;
  conversation.write(conversation.bubble(`caller ${++sent}`, "caller"), ["", message]);
  reply = "";
  socket.say(message);
  text.value = "";
  refresh();
}

function addDelta({ turn: number, text: delta }) {
  if (number !== sent) return;
  reply += delta;
  conversation.write(conversation.bubble(`agent ${number}`, "agent"), ["pending", reply]);
}

function showTool({ turn: number, name, arguments: args, ok }) {
  const key = `tool ${number} ${tools++}`;
  conversation.tool(key, name, args);
  conversation.toolDone(key, ok);
}

function finish({ turn: number, text: whole }) {
  const key = `agent ${number}`;
  if (whole || conversation.has(key)) {
    const bubble = conversation.bubble(key, "agent");
    conversation.write(bubble, ["", whole]);
    conversation.remark(bubble, number === stopped ? "stopped" : "");
  }
  turn = Math.max(turn, number);
  refresh();
}

function end(note, problem = "") {
  socket?.close();
  socket = null;
  turn = sent;
  setConnection("closed", "Not connected");
  if (note) conversation.divider(note);
  complain(problem || "To go on, start a new conversation.", true);
  byId("reconnect").textContent = problem ? "Reconnect" : "New conversation";
}

function complain(words, canReconnect) {
  byId("alert-text").textContent = words;
  byId("reconnect").hidden = !canReconnect;
  byId("alert").hidden = false;
}

function makeSuggestion(words) {
  const chip = element("button", "chip", words);
  chip.type = "button";
  chip.addEventListener("click", () => {
    submit(words);
    text.focus();
  });
  return chip;
}

byId("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(text.value);
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit(text.value);
});
text.addEventListener("input", refresh);
byId("cancel").addEventListener("click", () => {
  stopped = sent;
  socket?.cancel();
});
byId("reconnect").addEventListener("click", connect);
byId("suggestions").append(...SUGGESTIONS.map(makeSuggestion));
connect();
