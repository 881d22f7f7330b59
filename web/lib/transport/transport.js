// SPDX-License-Identifier: Apache-2.0

/**
 * What carries frames between the coordinator and the others, the server and the workers. threads.js
 * has the transport within one process; one that goes over a network implements the same and needs
 * nothing else: heads are JSON, bodies are bytes that it does not look into.
 *
 * Frames of one channel arrive whole, once and in order, or the channel is lost. Where a transport
 * does not keep to that, requests.js notices, and takes the other end for gone; what is in frames
 * is checked by both ends before they use it.
 *
 * @typedef {Record<string, any>} Head what JSON can carry
 *
 * @typedef {object} Frame
 * @property {Head} head
 * @property {Uint8Array[]} body
 *
 * @typedef {object} Listener
 * @property {(frame: Frame) => void} onFrame the frame's bytes belong to the listener
 * @property {(reason: string) => void} onLost called at most once, when the other end is gone by
 *   itself; the reason is a phrase
 *
 * @typedef {object} Channel one end of a connection
 * @property {(frame: Frame) => void} send the frame's bytes still belong to the caller afterwards
 * @property {() => Promise<void>} close ends the other end at once, whatever it is doing
 *
 * @typedef {object} Transport
 * @property {(name: string, listener: Listener) => Promise<Channel>} connect makes another end; its
 *   name is for people
 */

export {};
