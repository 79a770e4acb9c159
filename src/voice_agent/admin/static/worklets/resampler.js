/**
 * Changes the rate of a live signal by a ratio of whole numbers.
 *
 * A windowed-sinc low-pass (Kaiser, beta 6: about 63 dB down) in polyphase form; the cut-off
 * lies at 0.45 of the lower rate, so nothing folds back. Each phase is scaled to unit gain.
 */

const ZERO_CROSSINGS = 16;
const KAISER_BETA = 6;
const PASS = 0.9;

export class Resampler {
  /** @param {number} from Hz @param {number} to Hz */
  constructor(from, to) {
    const divisor = greatestCommonDivisor(Math.round(from), Math.round(to));
    this.up = Math.round(to) / divisor;
    this.down = Math.round(from) / divisor;
    this.half = Math.ceil(ZERO_CROSSINGS * Math.max(1, from / to));
    this.phases = makePhases(this.up, this.half, Math.min(1, to / from) * PASS);
    this.history = new Float32Array(2 * this.half);
    this.position = 0;
  }

  /** @param {Float32Array} input @returns {Float32Array} */
  process(input) {
    const taps = 2 * this.half;
    const line = new Float32Array(taps + input.length);
    line.set(this.history);
    line.set(input, taps);
    const end = input.length * this.up;
    const output = new Float32Array(Math.max(0, Math.ceil((end - this.position) / this.down)));
    for (let i = 0; i < output.length; i++, this.position += this.down) {
      const start = Math.floor(this.position / this.up) + 1;
      const phase = this.phases[this.position % this.up];
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += line[start + tap] * phase[tap];
      output[i] = sum;
    }
    this.position -= end;
    this.history = line.slice(input.length);
    return output;
  }
}

function makePhases(up, half, cutoff) {
  const phases = [];
  for (let phase = 0; phase < up; phase++) {
    const taps = new Float32Array(2 * half);
    let sum = 0;
    for (let tap = 0; tap < 2 * half; tap++) {
      const distance = tap + 1 - half - phase / up;
      taps[tap] = sinc(cutoff * distance) * kaiser(distance / half);
      sum += taps[tap];
    }
    phases.push(taps.map((value) => value / sum));
  }
  return phases;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-9; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b ? greatestCommonDivisor(b, a % b) : a;
}
