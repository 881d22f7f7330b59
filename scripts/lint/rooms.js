// SPDX-License-Identifier: Apache-2.0

/**
 * The rooms of the house, and which others each may use. The arrows point one way: a room may use
 * those that stand behind it, and what these may use; `room/*` is the room and all those within it.
 * A room is a folder, or the files of one name in it. ESLint holds the web's imports against this
 * table (imports.js), and includes.js the includes of C++.
 */

/** @typedef {Record<string, string[]>} Rooms by path, those that each may use */

/**
 * @param {string} folder
 * @param {Rooms} rooms of names in the folder
 * @returns {Rooms}
 */
function roomsIn(folder, rooms) {
  const inFolder = (/** @type {string} */ name) => `${folder}/${name}`;
  return Object.fromEntries(
    Object.entries(rooms).map(([name, used]) => [inFolder(name), used.map(inFolder)]),
  );
}

/** @type {Rooms} */
export const CPP_ROOMS = {
  ...roomsIn('cpp/lowtropy', {
    base: [],
    math: ['base'],
    json: ['base'],
    coding: ['base'],
    // A Matrix is one of the formats, which are made of the statistics and values beside it.
    matrix: ['math', 'matrix/formats'],
    'matrix/formats': ['matrix'],
    'matrix/kernels': ['matrix'],
    'matrix/choose': ['matrix/kernels'],
    compress: ['matrix/*'],
    graph: ['matrix/*', 'graph/ops'],
    'graph/ops': ['graph'],
    run: ['graph'],
    io: ['run', 'json', 'coding'],
    updates: ['coding', 'math'],
    learn: ['learn/layers', 'learn/data'],
    'learn/layers': ['math'],
    'learn/data': ['math'],
    rounds: ['learn/*', 'updates'],
  }),
  'cpp/bindings/common': ['cpp/lowtropy/*'],
  'cpp/bindings/inference': ['cpp/bindings/common'],
  'cpp/bindings/training': ['cpp/bindings/common'],
  'cpp/bench': ['cpp/lowtropy/*'],
  'tests/cpp': ['cpp/lowtropy/*'],
  'tests/fuzz': ['cpp/lowtropy/*', 'tests/cpp'],
  'tests/install': ['cpp/lowtropy/*'],
};

/** @type {Rooms} */
export const WEB_ROOMS = {
  ...roomsIn('web/lib', {
    core: [],
    graph: ['core'],
    model: ['graph'],
    import: ['model'],
    compress: ['graph'],
    updates: ['core'],
    learn: ['updates', 'compress'],
    transport: ['core'],
    'transport/threads': ['transport'],
    coordinate: ['transport', 'updates', 'learn'],
    simulate: ['coordinate', 'model', 'transport/threads'],
    // The entries. The first two have neither training nor threads.
    onnx: ['import'],
    lowtropy: ['import', 'compress'],
    training: ['simulate'],
    index: ['lowtropy', 'training'],
  }),
  'web/cli': ['web/lib/*'],
  'web/demo': ['web/lib/*'],
  'web/demo/vite.config': ['scripts/build/notices'],
  'scripts/common': ['web/lib/*', 'web/cli', 'web/demo'],
  'scripts/build/notices': ['scripts/common'],
  scripts: ['scripts/common', 'scripts/build/notices'],
  // Tests share nothing with scripts but what both have in common, and test the scripts apart.
  tests: ['scripts/common'],
  'tests/node/scripts': ['tests', 'scripts/*'],
  'eslint.config': ['scripts/*'],
  examples: [],
};

/**
 * @param {Rooms} rooms
 * @param {string} file within the project
 * @returns {string | undefined} the innermost room that it is in
 */
export function roomOf(rooms, file) {
  return Object.keys(rooms)
    .filter((room) => file.startsWith(`${room}/`) || file.startsWith(`${room}.`))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * @param {Rooms} rooms
 * @param {string} room
 * @returns {Set<string>} itself, and all that it may use
 */
export function reach(rooms, room) {
  const reached = new Set([room]);
  for (const each of reached) {
    for (const used of rooms[each].flatMap((name) => namedBy(rooms, name))) reached.add(used);
  }
  return reached;
}

/**
 * @param {Rooms} rooms
 * @param {string} name of a room, or of one with those within it
 * @returns {string[]}
 */
function namedBy(rooms, name) {
  if (!name.endsWith('/*')) return [name];
  const outer = name.slice(0, -2);
  return Object.keys(rooms).filter((room) => room === outer || room.startsWith(`${outer}/`));
}

/**
 * @param {Rooms} rooms
 * @param {string} file within the project
 * @param {string} used a file within the project, which that one names
 * @returns {string | undefined} why it must not, as a sentence; undefined where it may
 */
export function complaint(rooms, file, used) {
  const from = roomOf(rooms, file);
  if (!from) return `${file} is in no room of scripts/lint/rooms.js.`;
  const to = roomOf(rooms, used);
  if (!to || reach(rooms, from).has(to)) return undefined; // in none is what is built
  return `${from} must not know ${to}: scripts/lint/rooms.js has the arrows.`;
}
