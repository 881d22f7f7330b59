// SPDX-License-Identifier: Apache-2.0

import { html, svg } from 'lit';
import { prefersReducedMotion } from '../common/css.js';
import { Part } from '../common/element.js';
import { formatBytes } from '../common/units.js';
import { between, dotRadius, planPicture } from './picture-layout.js';

/**
 * @typedef {import('./picture-layout.js').Place} Place
 * @typedef {import('./protocol.js').Round} Round
 * @typedef {import('./session.js').WorkerState} WorkerState
 */

const HEIGHT = 270;
const SERVER_RADIUS = 26;
/** One way of a message; messages of rounds that come sooner are not shown. */
const WAY_MS = 450;
/** Where messages lie on their way while nothing moves. */
const REST = { up: 0.36, down: 0.7 };
const LEGEND = [100, 10_000, 1_000_000];

/** @type {Record<WorkerState['status'], string>} */
const SIGNS = { present: '', late: '…', left: '–', gone: '✕' };

/** The server, the workers around it, and the messages of a round between them. */
export class NetworkPicture extends Part {
  /** @override */
  static properties = {
    workers: { attribute: false },
    bytes: { attribute: false },
    label: { attribute: false },
  };

  #observer = new ResizeObserver(([{ contentRect }]) => {
    this.#width = Math.max(240, Math.round(contentRect.width));
    this.requestUpdate();
  });
  #width = 480;
  #busyUntil = 0;

  constructor() {
    super();
    /** @type {WorkerState[]} */
    this.workers = [];
    /** Of the last round, by worker. @type {Round['bytes'] | undefined} */
    this.bytes = undefined;
    this.label = '';
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  /** Lets the messages of a round travel, unless others still do. @param {Round['bytes']} bytes */
  async travel(bytes) {
    const now = performance.now();
    if (now < this.#busyUntil || prefersReducedMotion() || !this.checkVisibility()) return;
    this.#busyUntil = now + 2 * WAY_MS + 50;
    this.bytes = bytes;
    await this.updateComplete;
    const { server, workers } = this.#plan();
    workers.forEach((place, index) => {
      this.#move(`.dot.up[data-worker="${index}"]`, place, server, REST.up, 0);
      this.#move(`.dot.down[data-worker="${index}"]`, server, place, 1 - REST.down, WAY_MS);
    });
  }

  #plan() {
    return planPicture(this.#width, HEIGHT, this.workers.length);
  }

  /**
   * @param {string} selector
   * @param {Place} from
   * @param {Place} to
   * @param {number} rest
   * @param {number} delay
   */
  #move(selector, from, to, rest, delay) {
    const home = between(from, to, rest);
    const at = (/** @type {Place} */ place) => ({
      transform: `translate(${place.x - home.x}px, ${place.y - home.y}px)`,
    });
    // It begins and ends behind a circle, so that nothing has to fade.
    this.querySelector(selector)?.animate([at(from), at(to)], {
      duration: WAY_MS,
      delay,
      fill: 'backwards',
      easing: 'ease-in-out',
    });
  }

  /** @override */
  render() {
    const plan = this.#plan();
    const { width, height, server } = plan;
    return html`<svg
        class="network"
        role="img"
        aria-label=${this.label}
        width=${width}
        height=${height}
        viewBox="0 0 ${width} ${height}"
      >
        ${plan.workers.map(
          (place, index) => svg`<line
            class="wire ${this.workers[index].status}"
            x1=${server.x} y1=${server.y} x2=${place.x} y2=${place.y} />`,
        )}
        ${plan.workers.map((place, index) => this.#dots(place, server, index))}
        <circle class="server" cx=${server.x} cy=${server.y} r=${SERVER_RADIUS} />
        <text class="on-server" x=${server.x} y=${server.y + 4}>server</text>
        ${plan.workers.map((place, index) => this.#worker(place, plan.radius, index))}
      </svg>
      ${legend()}`;
  }

  /**
   * @param {Place} place
   * @param {Place} server
   * @param {number} index
   */
  #dots(place, server, index) {
    if (!this.bytes) return '';
    const up = between(place, server, REST.up);
    const down = between(place, server, REST.down);
    return svg`
      <circle class="dot up" data-worker=${index} cx=${up.x} cy=${up.y}
        r=${dotRadius(this.bytes.up[index])} />
      <circle class="dot down" data-worker=${index} cx=${down.x} cy=${down.y}
        r=${dotRadius(this.bytes.down[index])} />`;
  }

  /**
   * @param {Place} place
   * @param {number} radius
   * @param {number} index
   */
  #worker(place, radius, index) {
    const { status } = this.workers[index];
    return svg`<circle class="worker ${status}" cx=${place.x} cy=${place.y} r=${radius} />
      <text class="on-worker ${status}" x=${place.x} y=${place.y + 5}>${index + 1}</text>
      <text class="sign" x=${place.x + radius + 2} y=${place.y - radius / 2}>${SIGNS[status]}</text>`;
  }
}

customElements.define('network-picture', NetworkPicture);

function legend() {
  return html`<p class="legend note">
    <span><i class="key up-key"></i> to the server</span>
    <span><i class="key down-key"></i> to the workers</span>
    <span class="sizes"
      >${LEGEND.map((bytes) => {
        const radius = dotRadius(bytes);
        return html`<svg width=${2 * radius} height=${2 * radius} aria-hidden="true">
            <circle class="size" cx=${radius} cy=${radius} r=${radius} />
          </svg>
          ${formatBytes(bytes).replace(/\.0+ /, ' ')} `;
      })}</span
    >
    <span>(on a log scale)</span>
  </p>`;
}
