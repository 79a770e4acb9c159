/**
 * Plays PCM16 at 16 kHz from a ring buffer and says when a mark's sound has been played.
 *
 *   in:  ArrayBuffer            queue sound
 *        {mark: name}           report when everything queued so far was played
 *        {clear: true}          drop sound and marks at once
 *   out: {played: name}  {playing: bool}  {level: 0..1}
 */

import { Resampler } from "./resampler.js";

const RATE = 16000;
const CAPACITY_SECONDS = 60;
const HEAD_START_SECONDS = 0.05;
const FADE = 96;
const LEVEL_EVERY = 16;

class Speaker extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(RATE, sampleRate);
    this.ring = new Float32Array(CAPACITY_SECONDS * sampleRate);
    this.written = 0;
    this.read = 0;
    this.marks = [];
    this.playing = false;
    this.waited = 0;
    this.fading = new Float32Array(0);
    this.blocks = 0;
    this.peak = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(message) {
    if (message instanceof ArrayBuffer) this.queue(message);
    else if (message.clear) this.clear();
    else this.marks.push({ name: message.mark, at: this.written });
  }

  queue(buffer) {
    const pcm = new Int16Array(buffer, 0, Math.floor(buffer.byteLength / 2));
    const sound = this.resampler.process(Float32Array.from(pcm, (value) => value / 32768));
    const room = Math.min(sound.length, this.ring.length - (this.written - this.read));
    for (let i = 0; i < room; i++) this.ring[this.written++ % this.ring.length] = sound[i];
  }

  clear() {
    const count = this.playing ? Math.min(FADE, this.written - this.read) : 0;
    this.fading = Float32Array.from({ length: count }, (_, i) => this.at(i) * (1 - i / count));
    this.read = this.written;
    this.marks = [];
    this.setPlaying(false);
  }

  at(offset) {
    return this.ring[(this.read + offset) % this.ring.length];
  }

  process(_inputs, [[output]]) {
    const waiting = this.written - this.read;
    if (!this.playing && waiting > 0) this.start(waiting, output.length);
    const count = this.playing ? Math.min(waiting, output.length) : 0;
    for (let i = 0; i < count; i++) output[i] = this.at(i);
    this.read += count;
    this.fadeOut(output);
    this.reportMarks();
    if (this.playing && this.read === this.written) this.setPlaying(false);
    this.reportLevel(output);
    return true;
  }

  /** A short head start hides the network's unevenness; a short sound does not wait for more. */
  start(waiting, block) {
    this.waited += block;
    const enough = HEAD_START_SECONDS * sampleRate;
    if (waiting >= enough || this.waited >= enough || this.marks.length) this.setPlaying(true);
  }

  fadeOut(output) {
    const count = Math.min(this.fading.length, output.length);
    for (let i = 0; i < count; i++) output[i] += this.fading[i];
    this.fading = this.fading.subarray(count);
  }

  reportMarks() {
    while (this.marks.length && this.marks[0].at <= this.read) {
      this.port.postMessage({ played: this.marks.shift().name });
    }
  }

  setPlaying(playing) {
    this.waited = 0;
    if (playing === this.playing) return;
    this.playing = playing;
    this.port.postMessage({ playing });
  }

  reportLevel(output) {
    for (const value of output) this.peak = Math.max(this.peak, Math.abs(value));
    if (++this.blocks % LEVEL_EVERY) return;
    this.port.postMessage({ level: this.peak });
    this.peak = 0;
  }
}

registerProcessor("speaker", Speaker);
