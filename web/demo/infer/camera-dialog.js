// SPDX-License-Identifier: Apache-2.0

import { html } from 'lit';
import { Part } from '../common/element.js';
import { PageError } from './download.js';

/** Why there is no picture, by the error's name. @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: 'The camera was refused; allow it for this page in the browser to use it.',
  NotFoundError: 'This device has no camera.',
  NotReadableError: 'The camera is used by another program.',
};

/** Takes a photograph: `photograph()` opens it. */
export class CameraDialog extends Part {
  /** @type {MediaStream | undefined} */
  #stream;
  /** Whether there is a picture to take. */
  #ready = false;
  /** @type {(photograph: Blob | undefined) => void} */
  #done = () => {};

  /** @override */
  render() {
    return html`<dialog class="camera" aria-label="Camera" @close=${this.#close}>
      <video playsinline muted @loadeddata=${() => this.#show(true)}></video>
      <div class="row">
        <button
          type="button"
          class="primary"
          id="camera-take"
          ?disabled=${!this.#ready}
          @click=${this.#take}
        >
          Take it
        </button>
        <button type="button" @click=${() => this.#dialog.close()}>Cancel</button>
      </div>
    </dialog>`;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector('dialog'));
  }

  get #video() {
    return /** @type {HTMLVideoElement} */ (this.querySelector('video'));
  }

  /**
   * @returns {Promise<Blob | undefined>} undefined where it was cancelled
   * @throws {PageError} where there is no camera, or it was refused
   */
  async photograph() {
    if (!navigator.mediaDevices) {
      throw new PageError('This browser lets only pages with https use the camera.');
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'environment' },
      });
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      throw new PageError(REASONS[name] ?? `The camera does not work: ${message}.`);
    }
    /** @type {Promise<Blob | undefined>} */
    const taken = new Promise((resolve) => (this.#done = resolve));
    this.#video.srcObject = this.#stream;
    this.#dialog.showModal();
    this.#video.play().catch(() => {}); // it was closed at once
    return taken;
  }

  /** @param {boolean} ready */
  async #show(ready) {
    this.#ready = ready;
    this.requestUpdate();
    await this.updateComplete;
    if (ready) this.querySelector('button')?.focus();
  }

  async #take() {
    const { videoWidth, videoHeight } = this.#video;
    const canvas = new OffscreenCanvas(videoWidth, videoHeight);
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    this.#done(await canvas.convertToBlob({ type: 'image/png' }));
    this.#dialog.close();
  }

  #close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#show(false);
    this.#done(undefined); // without effect where there is a photograph
  }
}

customElements.define('camera-dialog', CameraDialog);
