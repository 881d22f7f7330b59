// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cssColor, onColorChange } from './css.js';
import { Part } from './element.js';

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} color a variable of the stylesheet, such as --c1
 * @property {number[]} [dash] lengths of dashes and gaps, pixels
 * @property {Array<readonly [x: number, y: number]>} points x rising; both above 0 on a log axis
 *
 * @typedef {object} Axis
 * @property {string} label
 * @property {boolean} [log]
 * @property {[number, number]} [range] by default what the points need
 * @property {(value: number) => string} format of numbers
 */

const HEIGHT = 240;
const FONT = '13px system-ui, sans-serif';

/** Lines that are still growing. Its label says what is in the picture. */
export class LineChart extends Part {
  /** @override */
  static properties = {
    series: { attribute: false },
    x: { attribute: false },
    y: { attribute: false },
    label: { attribute: false },
  };

  /** @type {uPlot | undefined} */
  #plot;
  /** What the plot was made for; with anything else it is made anew. */
  #shape = '';
  #observer = new ResizeObserver(() => this.#resize());
  #stopColors = () => {};

  constructor() {
    super();
    /** @type {Series[]} */
    this.series = [];
    /** @type {Axis} */
    this.x = { label: '', format: String };
    /** @type {Axis} */
    this.y = { label: '', format: String };
    /** Of the picture, for those who do not see it. */
    this.label = '';
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
    this.#stopColors = onColorChange(() => {
      this.#shape = '';
      this.requestUpdate();
    });
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.#stopColors();
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#shape = '';
  }

  /** @override */
  render() {
    return html`<div class="chart" role="img" aria-label=${this.label}></div>`;
  }

  /** @override */
  updated() {
    const place = /** @type {HTMLElement} */ (this.querySelector('.chart'));
    const { x, y, series } = this;
    const shape = JSON.stringify([
      x,
      y,
      series.map(({ name, color, dash }) => [name, color, dash]),
    ]);
    if (shape !== this.#shape) {
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(), this.#data(), place);
      this.#shape = shape;
    } else {
      this.#plot?.setData(this.#data());
    }
  }

  /** @returns {uPlot.AlignedData} all series over the union of their x */
  #data() {
    const tables = this.series.map(
      ({ points }) =>
        /** @type {uPlot.AlignedData} */ ([points.map(([x]) => x), points.map(([, y]) => y)]),
    );
    return tables.length > 0 ? uPlot.join(tables) : [[]];
  }

  /** @returns {uPlot.Options} */
  #options() {
    const { x, y } = this;
    return {
      width: Math.max(this.clientWidth, 200),
      height: HEIGHT,
      scales: {
        x: { time: false, distr: x.log ? 3 : 1, range: rangeOf(x) },
        y: { distr: y.log ? 3 : 1, range: rangeOf(y) },
      },
      axes: [axisOptions(x, 44), axisOptions(y, 68)],
      series: [{ label: x.label, value: (_, value) => shown(value, x) }, ...this.#seriesOptions()],
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      legend: { show: this.series.length > 0 },
      hooks: { init: [({ root }) => this.#drawKeys(root)] },
    };
  }

  /**
   * A piece of each line beside its name: those of one colour differ by their dashes.
   *
   * @param {HTMLElement} root
   */
  #drawKeys(root) {
    const markers = root.querySelectorAll('.u-legend .u-marker');
    // The first is that of x, which has no line.
    [...markers].slice(1).forEach((marker, index) => {
      const { color, dash } = this.series[index];
      marker.replaceChildren(lineKey(color, dash));
    });
  }

  /** @returns {uPlot.Series[]} */
  #seriesOptions() {
    return this.series.map(({ name, color, dash }) => ({
      label: name,
      stroke: cssColor(color),
      dash,
      width: 2,
      spanGaps: true,
      points: { show: true, size: 4, fill: cssColor(color) },
      value: (_, value) => shown(value, this.y),
    }));
  }

  #resize() {
    if (this.#plot && this.clientWidth > 0) {
      this.#plot.setSize({ width: Math.max(this.clientWidth, 200), height: HEIGHT });
    }
  }
}

customElements.define('line-chart', LineChart);

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} color a variable of the stylesheet
 * @param {number[]} [dash]
 * @returns {SVGElement} a piece of a line
 */
export function lineKey(color, dash = []) {
  const picture = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'line');
  for (const [name, value] of Object.entries({ class: 'line-key', width: 28, height: 8 })) {
    picture.setAttribute(name, String(value));
  }
  for (const [name, value] of Object.entries({ x1: 0, x2: 28, y1: 4, y2: 4, 'stroke-width': 3 })) {
    line.setAttribute(name, String(value));
  }
  line.style.stroke = `var(${color})`;
  if (dash.length > 0) line.setAttribute('stroke-dasharray', dash.join(' '));
  picture.setAttribute('aria-hidden', 'true');
  picture.append(line);
  return picture;
}

/**
 * @param {number | null} value
 * @param {Axis} axis
 */
function shown(value, { format }) {
  return value === null || value === undefined ? '–' : format(value);
}

/**
 * @param {Axis} axis
 * @param {number} size
 * @returns {uPlot.Axis}
 */
function axisOptions({ label, format }, size) {
  const quiet = cssColor('--quiet');
  const grid = { stroke: cssColor('--faint'), width: 1 };
  return {
    label,
    labelFont: FONT,
    font: FONT,
    labelSize: 20,
    size,
    stroke: quiet,
    grid,
    ticks: grid,
    values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
  };
}

/**
 * @param {Axis} axis
 * @returns {uPlot.Scale.Range}
 */
function rangeOf({ log, range }) {
  if (range) return range;
  if (!log) {
    return (_, low, high) => (low === null || low === high ? [0, 2 * (high || 1)] : [low, high]);
  }
  // Whole decades, one at least.
  return (_, low, high) => {
    if (low === null || !(low > 0)) return [1, 1000];
    const from = 10 ** Math.floor(Math.log10(low));
    return [from, Math.max(10 ** Math.ceil(Math.log10(high)), 10 * from)];
  };
}
