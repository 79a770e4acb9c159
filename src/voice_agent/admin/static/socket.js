/** The two sockets of the server: a call with sound, and a conversation in text. */

const LARGEST_BACKLOG = 64 * 1024;

function address(path) {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/** A WebSocket whose JSON messages go to `listeners[message.type]`. */
class JsonSocket {
  #socket;

  constructor(path, listeners) {
    this.#socket = new WebSocket(address(path));
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => listeners.open?.();
    this.#socket.onclose = ({ reason }) => listeners.close?.(reason);
    this.#socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) listeners.sound?.(data);
      else dispatch(listeners, data);
    };
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  /** Sound that cannot leave in time is dropped: late sound is worth nothing. */
  sendSound(pcm) {
    if (this.isOpen && this.#socket.bufferedAmount < LARGEST_BACKLOG) this.#socket.send(pcm);
  }

  close() {
    this.#socket.onclose = null;
    this.#socket.onmessage = null;
    this.#socket.close();
  }
}

function dispatch(listeners, text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return;
  }
  listeners[message.type]?.(message);
}

/** `/ws/voice`: listeners are open, ready, sound, mark, clear, event, ended, error, close. */
export class VoiceSocket extends JsonSocket {
  constructor(listeners) {
    super("/ws/voice", {
      ...listeners,
      open: () => {
        this.send({ type: "hello", version: 1 });
        listeners.open?.();
      },
    });
  }

  played(mark) {
    this.send({ type: "played", mark });
  }

  key(digit) {
    this.send({ type: "key", digit });
  }

  hangUp() {
    this.send({ type: "hangup" });
  }
}

/** `/ws/chat`: listeners are ready, delta, tool, done, ended, error, close. */
export class ChatSocket extends JsonSocket {
  constructor(listeners) {
    super("/ws/chat", listeners);
  }

  say(text) {
    this.send({ type: "message", text });
  }

  cancel() {
    this.send({ type: "cancel" });
  }
}
