// SPDX-License-Identifier: Apache-2.0

/** Why something outside of this library failed, as the phrase at the end of a sentence. */

/** What the codes of Node.js' errors mean. @type {Record<string, string>} */
const REASONS = {
  EACCES: 'it may not be accessed',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off by the other end',
  EAI_AGAIN: "the host's name cannot be looked up at the moment",
  EHOSTUNREACH: 'the host cannot be reached',
  EISDIR: 'it is a folder, not a file',
  ELOOP: 'it is a link in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
  ENETUNREACH: 'the network cannot be reached',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  ENOTFOUND: 'there is no such host',
  EPERM: 'it may not be accessed',
  EPIPE: 'the connection was broken off by the other end',
  ETIMEDOUT: 'the connection took too long',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is signed by itself",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is signed by itself",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server's certificate cannot be verified",
  UND_ERR_BODY_TIMEOUT: 'the server went silent',
  UND_ERR_CONNECT_TIMEOUT: 'the connection took too long',
  UND_ERR_HEADERS_TIMEOUT: 'the server does not answer',
  UND_ERR_SOCKET: 'the connection was broken off by the other end',
};

/** Of the other end: what it answered is not HTTP. */
const NOT_HTTP = /^HPE_/;

/** Causes of causes that are looked at. */
const DEPTH = 5;

/**
 * `fetch` of Node.js says "fetch failed", whatever happened; what happened is in the error's cause, or
 * in that one's.
 *
 * @param {unknown} error
 * @returns {string} without a full stop
 */
export function reasonOf(error) {
  const chain = [];
  for (let each = /** @type {any} */ (error); each && chain.length < DEPTH;) {
    chain.push(each);
    // Of several addresses of a host that were tried each has an error of its own.
    each = each.cause ?? each.errors?.[0];
  }
  for (const { code } of chain) {
    if (typeof code !== 'string') continue;
    if (REASONS[code]) return `${REASONS[code]} (${code})`;
    if (NOT_HTTP.test(code)) return `the answer is not HTTP (${code})`;
  }
  // The innermost that says anything says most.
  const message = chain.map((each) => each.message).findLast((text) => text);
  return String(message || error)
    .replace(/\s*\n[^]*$/, '')
    .replace(/\.$/, '');
}
