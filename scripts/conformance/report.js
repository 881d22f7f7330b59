// SPDX-License-Identifier: Apache-2.0

/** What passes and what does not, as a text and as a page. */

import { format, resolveConfig } from 'prettier';

import { inProject } from '../common/run.js';

/** @typedef {import('./run.js').Result} Result */

const TITLES = { operators: 'tests of operators', models: 'small models' };

/**
 * @param {Result[]} results
 * @param {Result['group']} group
 */
function ofGroup(results, group) {
  const all = results.filter((result) => result.group === group);
  return { all, failed: all.filter(({ reason }) => reason !== undefined) };
}

/**
 * @param {Result[]} results
 * @returns {string[]} a line for each group
 */
export function summary(results) {
  return /** @type {const} */ (['operators', 'models']).map((group) => {
    const { all, failed } = ofGroup(results, group);
    const given = all.filter(({ isGiven, reason }) => isGiven && reason === undefined).length;
    const how = given === 0 ? '' : `, ${given} of them with their inputs given at import`;
    return `${all.length - failed.length} of ${all.length} ${TITLES[group]} pass${how}`;
  });
}

/** @param {Result[]} results */
function givenSentence(results) {
  const names = results
    .filter(({ isGiven, reason }) => isGiven && reason === undefined)
    .map(({ name }) => name.replace(/^.*\/test_/, ''));
  return (
    'Where what a test computes depends on the values of its inputs, as a shape or an axis does, they are ' +
    `given at import: ${names.join(', ')}.`
  );
}

/** @param {string | undefined} reason */
function shortOf(reason = '') {
  const whole = reason
    .replace('Of the ONNX graph this is not supported: ', '')
    .replaceAll('|', '\\|');
  return whole.length > 200 ? `${whole.slice(0, 200)} …` : whole;
}

/**
 * @param {Result[]} results
 * @returns {Promise<string>} in Markdown
 */
export async function page(results) {
  const tables = /** @type {const} */ (['operators', 'models']).map((group) => {
    const { failed } = ofGroup(results, group);
    const rows = failed.map(({ name, reason }) => `| ${name} | ${shortOf(reason)} |`);
    return ['| test | why it does not pass |', '|---|---|', ...rows].join('\n');
  });
  const text = [
    '<!-- Written by npm run conformance; changes are lost. -->',
    "# ONNX's own tests",
    "By `npm run conformance`, with the tests of Debian's package libonnx-testdata (ONNX 1.12).",
    'Losses, texts, sequences, training, random numbers and windows are not meant to pass.',
    summary(results)
      .map((line) => `- ${line}`)
      .join('\n'),
    givenSentence(results),
    ...tables,
  ].join('\n\n');
  const options = await resolveConfig(inProject('scripts/conformance/RESULTS.md'));
  return format(text, { ...options, parser: 'markdown' });
}
