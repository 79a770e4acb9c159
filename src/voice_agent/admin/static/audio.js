/** The microphone and the loudspeaker of this device. */

/** A reason, in words for the person, why there is no sound. */
export class AudioProblem extends Error {}

const REFUSALS = {
  NotAllowedError:
    "The microphone was refused. Allow it for this page (the icon beside the address), then press start again.",
  NotFoundError: "No microphone was found. Connect one, then press start again.",
  NotReadableError: "Another program is using the microphone. Close it, then press start again.",
};

/** Throws an AudioProblem where this browser cannot hold a call at all. */
function checkSupport() {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    throw new AudioProblem(
      "Browsers give the microphone only to pages on localhost or https. Open this page that way.",
    );
  }
  if (!window.AudioContext || !window.AudioWorkletNode) {
    throw new AudioProblem(
      "This browser is too old for live sound (it has no AudioWorklet). Use a current browser.",
    );
  }
}

async function askForMicrophone() {
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new AudioProblem(REFUSALS[error.name] ?? `The microphone cannot be used: ${error.message}`);
  }
}

export class CallAudio {
  /**
   * Ask for the microphone and start both directions.
   *
   * @param {{onPiece: (pcm: ArrayBuffer) => void, onLevel: (level: number) => void,
   *   onAgentLevel: (level: number) => void, onPlaying: (playing: boolean) => void,
   *   onPlayed: (mark: string) => void, onLost: (why: string) => void}} listeners
   */
  static async open(listeners, volume) {
    checkSupport();
    const stream = await askForMicrophone();
    const context = new AudioContext({ latencyHint: "interactive" });
    const audio = new CallAudio(stream, context, listeners);
    try {
      await audio.#connect(volume);
    } catch (error) {
      audio.close();
      throw new AudioProblem(`Live sound could not be started: ${error.message}`);
    }
    return audio;
  }

  #stream;
  #context;
  #listeners;
  #speaker;
  #volume;
  #reports = new Set();

  constructor(stream, context, listeners) {
    this.#stream = stream;
    this.#context = context;
    this.#listeners = listeners;
  }

  async #connect(volume) {
    const context = this.#context;
    await Promise.all(
      ["microphone", "speaker"].map((name) => context.audioWorklet.addModule(`/static/worklets/${name}.js`)),
    );
    const microphone = new AudioWorkletNode(context, "microphone", { numberOfInputs: 1 });
    microphone.port.onmessage = ({ data }) => {
      this.#listeners.onLevel(data.level);
      this.#listeners.onPiece(data.pcm);
    };
    this.#speaker = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#speaker.port.onmessage = ({ data }) => this.#hear(data);
    this.#volume = new GainNode(context, { gain: volume });
    // The microphone's own output is silent; connected, it is certain to run.
    context.createMediaStreamSource(this.#stream).connect(microphone).connect(context.destination);
    this.#speaker.connect(this.#volume).connect(context.destination);
    this.#stream.getAudioTracks()[0].onended = () =>
      this.#listeners.onLost("The microphone went away.");
    await context.resume();
  }

  #hear(report) {
    if ("level" in report) this.#listeners.onAgentLevel(report.level);
    else if ("playing" in report) this.#listeners.onPlaying(report.playing);
    else this.#reportLater(report.played);
  }

  /** What the worklet has played still travels through the device for a while. */
  #reportLater(mark) {
    const delay = 1000 * (this.#context.outputLatency || this.#context.baseLatency || 0);
    const timer = setTimeout(() => {
      this.#reports.delete(timer);
      this.#listeners.onPlayed(mark);
    }, delay);
    this.#reports.add(timer);
  }

  /** @param {ArrayBuffer} pcm PCM16 at 16 kHz */
  play(pcm) {
    this.#speaker.port.postMessage(pcm, [pcm]);
  }

  mark(name) {
    this.#speaker.port.postMessage({ mark: name });
  }

  /** Drop all sound and marks that were not played. */
  clear() {
    this.#reports.forEach(clearTimeout);
    this.#reports.clear();
    this.#speaker.port.postMessage({ clear: true });
  }

  set muted(muted) {
    for (const track of this.#stream.getAudioTracks()) track.enabled = !muted;
  }

  /** @param {number} volume 0 to 1 */
  set volume(volume) {
    this.#volume.gain.setTargetAtTime(volume, this.#context.currentTime, 0.02);
  }

  close() {
    this.#reports.forEach(clearTimeout);
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    if (this.#context.state !== "closed") this.#context.close();
  }
}
