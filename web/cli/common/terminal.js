// SPDX-License-Identifier: Apache-2.0

/** Text on the terminal: results on stdout, errors and progress on stderr. */

const PROGRESS_AFTER_MS = 1000;
const PROGRESS_EVERY_MS = 100;
/** What erases the line and goes back to its beginning. */
const ERASE_LINE = '\r\x1b[2K';

let shown = false;
/** Where results go. @type {'stdout' | 'stderr' | 'nowhere'} */
let results = 'stdout';

/** @param {string} text */
export function print(text) {
  clearProgress();
  if (results !== 'nowhere') process[results].write(`${text}\n`);
}

/** Results are printed on stderr from now on, because a file goes to stdout. */
export function printOnStderr() {
  results = 'stderr';
}

/** No results are printed any more, because nobody reads stdout. */
export function mute() {
  if (results === 'stdout') results = 'nowhere';
}

/** Whether nobody reads results any more. */
export function isMute() {
  return results === 'nowhere';
}

/** @param {unknown} problem a sentence, or an error that nobody expected */
export function printError(problem) {
  clearProgress();
  const text = problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
  process.stderr.write(`${typeof problem === 'string' ? printable(text) : text}\n`);
}

export function clearProgress() {
  if (!shown) return;
  process.stderr.write(ERASE_LINE);
  shown = false;
}

/**
 * Progress of one piece of work, in one line that goes away again. Nothing is shown where stderr is
 * no terminal, nor in the first second.
 *
 * @param {string} title
 * @returns {(done: number, total: number | undefined, detail?: string) => void}
 */
export function makeProgress(title) {
  const start = performance.now();
  let last = -Infinity;
  return (done, total, detail) => {
    const now = performance.now();
    if (!process.stderr.isTTY || now - start < PROGRESS_AFTER_MS) return;
    if (now - last < PROGRESS_EVERY_MS) return;
    last = now;
    shown = true;
    const share = total ? ` ${Math.floor((100 * done) / total)} %` : '';
    const text = `${title} …${share}${detail ? ` (${detail})` : ''}`;
    const line = printable(text).slice(0, (process.stderr.columns || 80) - 1);
    process.stderr.write(`${ERASE_LINE}${line}`);
  };
}

/**
 * Names and labels come from files: what would steer the terminal is shown as "?".
 *
 * @param {string} text
 */
export function printable(text) {
  return text.replace(/[\0-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const unit = bytes < 1000 ? 0 : bytes < 999.5e3 ? 1 : bytes < 999.5e6 ? 2 : 3;
  const value = bytes / 1000 ** unit;
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** Of the first column, below which it is not cut. */
const LEAST_WIDTH = 8;

/**
 * Lines of aligned columns: the first to the left, the others to the right. Where a terminal is too
 * narrow they move together, and then the first is cut.
 *
 * @param {string[]} head
 * @param {string[][]} rows
 * @param {number} [width] of the terminal
 * @returns {string}
 */
export function formatTable(head, rows, width = process.stdout.columns || Infinity) {
  const lines = [head, ...rows].map((line) => line.map(printable));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const total = widths.reduce((sum, each) => sum + each, 0);
  const gap = total + 2 * (head.length - 1) <= width ? '  ' : ' ';
  const room = width - (total - widths[0]) - gap.length * (head.length - 1);
  const first = Math.min(widths[0], Math.max(room, LEAST_WIDTH));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cut(cell, first).padEnd(first) : cell.padStart(widths[column]),
        )
        .join(gap),
    )
    .join('\n');
}

/**
 * @param {string} text
 * @param {number} width
 */
function cut(text, width) {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
