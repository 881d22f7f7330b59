// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { cssColor, onColorChange } from '../common/css.js';
import { Part } from '../common/element.js';

/**
 * @typedef {import('./strokes.js').Point} Point
 * @typedef {import('./strokes.js').Stroke} Stroke
 */

/** Pixels of the canvas; the stylesheet says how large it is shown. */
const SIZE = 560;
const PEN_WIDTH = 40;

/** How far an arrow key moves the pen, of the side. */
const STEP = 0.03;

/** @type {Record<string, Point>} */
const ARROWS = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/**
 * A square to draw in, with mouse, pen, finger or keys: arrows move a pen that Space puts down and
 * takes up, a digit's key draws that digit, Delete clears. Dispatches `draw` with the strokes, and
 * `sample` with the digit of a key.
 */
export class DrawingPad extends Part {
  /** @override */
  static properties = { strokes: { attribute: false } };

  /** Where the keys' pen is, once they are used. @type {Point | undefined} */
  #pen;
  #penDown = false;
  /** The pointer that draws. @type {number | undefined} */
  #pointer;
  #stopColors = () => {};

  constructor() {
    super();
    /** @type {Stroke[]} */
    this.strokes = [];
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#stopColors = onColorChange(() => this.requestUpdate());
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stopColors();
  }

  /** @override */
  render() {
    return html`<canvas
      id="pad"
      width=${SIZE}
      height=${SIZE}
      tabindex="0"
      role="application"
      aria-label="Drawing pad"
      aria-describedby="pad-help"
      @pointerdown=${this.#onPointerDown}
      @pointermove=${this.#onPointerMove}
      @pointerup=${this.#onPointerUp}
      @pointercancel=${this.#onPointerUp}
      @keydown=${this.#onKey}
      @blur=${() => this.#movePen(undefined)}
    ></canvas>`;
  }

  /** @override */
  updated() {
    this.#paint();
  }

  get #canvas() {
    return /** @type {HTMLCanvasElement} */ (this.querySelector('canvas'));
  }

  #paint() {
    const context = this.#canvas.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, SIZE, SIZE);
    context.lineWidth = PEN_WIDTH;
    context.lineCap = context.lineJoin = 'round';
    context.strokeStyle = cssColor('--text');
    for (const stroke of this.strokes) {
      context.beginPath();
      stroke.forEach(([x, y]) => context.lineTo(SIZE * x, SIZE * y));
      // A line of one point needs an end to be seen.
      if (stroke.length === 1) context.lineTo(SIZE * stroke[0][0] + 0.1, SIZE * stroke[0][1]);
      context.stroke();
    }
    if (this.#pen) {
      context.beginPath();
      context.lineWidth = 4;
      context.strokeStyle = cssColor('--accent');
      context.arc(SIZE * this.#pen[0], SIZE * this.#pen[1], PEN_WIDTH / 2, 0, 2 * Math.PI);
      if (this.#penDown) {
        context.fillStyle = cssColor('--accent');
        context.fill();
      }
      context.stroke();
    }
  }

  /** @param {Stroke[]} strokes */
  #change(strokes) {
    this.strokes = strokes;
    this.emit('draw', strokes);
  }

  /** @param {PointerEvent} event */
  #pointOf(event) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
    return /** @type {Point} */ ([
      clamp((event.clientX - left) / width),
      clamp((event.clientY - top) / height),
    ]);
  }

  /** @param {PointerEvent} event */
  #onPointerDown(event) {
    if (this.#pointer !== undefined || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pen = undefined;
    this.#change([...this.strokes, [this.#pointOf(event)]]);
  }

  /** @param {PointerEvent} event */
  #onPointerMove(event) {
    if (event.pointerId !== this.#pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    const points = (events.length > 0 ? events : [event]).map((each) => this.#pointOf(each));
    this.#extend(points);
  }

  /** @param {PointerEvent} event */
  #onPointerUp(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = undefined;
    this.emit('drawn');
  }

  /** @param {Point[]} points for the last stroke */
  #extend(points) {
    const last = this.strokes.at(-1) ?? [];
    this.#change([...this.strokes.slice(0, -1), [...last, ...points]]);
  }

  /** @param {Point | undefined} pen */
  #movePen(pen) {
    this.#pen = pen;
    if (!pen) this.#penDown = false;
    this.requestUpdate();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (/^\d$/.test(key)) this.emit('sample', Number(key));
    else if (key === 'Delete' || key === 'Backspace' || key === 'Escape') this.#change([]);
    else if (key === ' ') this.#togglePen();
    else if (ARROWS[key]) this.#moveBy(ARROWS[key]);
    else return;
    event.preventDefault();
  }

  #togglePen() {
    this.#penDown = !this.#penDown;
    this.#movePen(this.#pen ?? [0.5, 0.5]);
    const at = /** @type {Point} */ (this.#pen);
    if (this.#penDown) this.#change([...this.strokes, [at]]);
    else this.emit('drawn');
  }

  /** @param {Point} step */
  #moveBy([dx, dy]) {
    const [x, y] = this.#pen ?? [0.5, 0.5];
    const clamp = (/** @type {number} */ value) => Math.min(0.97, Math.max(0.03, value));
    const pen = /** @type {Point} */ ([clamp(x + dx), clamp(y + dy)]);
    this.#movePen(pen);
    if (this.#penDown) this.#extend([pen]);
  }
}

customElements.define('drawing-pad', DrawingPad);
