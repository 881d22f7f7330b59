// SPDX-License-Identifier: Apache-2.0

/** What keeps the rooms of the house apart, on small houses made up here. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Linter } from 'eslint';

import { importsByRoom } from '../../../scripts/lint/imports.js';
import { checkIncludes } from '../../../scripts/lint/includes.js';
import { CPP_ROOMS, WEB_ROOMS, complaint, reach, roomOf } from '../../../scripts/lint/rooms.js';

const HOUSE = {
  'cpp/ground': [],
  'cpp/stairs': ['cpp/ground'],
  'cpp/attic': ['cpp/stairs'],
  'cpp/attic/chest': ['cpp/ground'],
  'cpp/ground/door': ['cpp/attic/*'],
};

describe('rooms', () => {
  test('a file is in the innermost', () => {
    assert.equal(roomOf(HOUSE, 'cpp/attic/roof.h'), 'cpp/attic');
    assert.equal(roomOf(HOUSE, 'cpp/attic/chest/lid.h'), 'cpp/attic/chest');
    assert.equal(roomOf(HOUSE, 'cpp/ground/door.cc'), 'cpp/ground/door');
    assert.equal(roomOf(HOUSE, 'cpp/ground/doors.cc'), 'cpp/ground');
    assert.equal(roomOf(HOUSE, 'cpp/grounds/door.cc'), undefined);
  });

  test('may use what is behind their arrows, however far, and nothing else', () => {
    assert.deepEqual([...reach(HOUSE, 'cpp/attic')], ['cpp/attic', 'cpp/stairs', 'cpp/ground']);
    assert.equal(complaint(HOUSE, 'cpp/attic/roof.h', 'cpp/ground/floor.h'), undefined);
    assert.match(
      complaint(HOUSE, 'cpp/ground/floor.h', 'cpp/attic/roof.h') ?? '',
      /^cpp\/ground must not know cpp\/attic: /,
    );
    // Nor those within a room by the arrow to it.
    assert(complaint(HOUSE, 'cpp/attic/roof.h', 'cpp/attic/chest/lid.h'));
    assert(!complaint(HOUSE, 'cpp/ground/door.cc', 'cpp/attic/chest/lid.h'));
  });

  test('there is one for each file', () => {
    assert.match(complaint(HOUSE, 'cpp/yard/tree.h', 'cpp/ground/floor.h') ?? '', /in no room/);
  });

  for (const [name, rooms] of Object.entries({ CPP_ROOMS, WEB_ROOMS })) {
    test(`${name} has no arrow to a room that there is not`, () => {
      const names = Object.keys(rooms);
      for (const used of Object.values(rooms).flat()) {
        const within = used.endsWith('/*') ? used.slice(0, -1) : undefined;
        assert(
          names.some((room) => room === used || (within && room.startsWith(within))),
          used,
        );
      }
    });
  }

  test('the arrows of the house are those of its plan', () => {
    const cpp = (/** @type {string} */ room) => reach(CPP_ROOMS, `cpp/lowtropy/${room}`);
    assert(!cpp('matrix/kernels').has('cpp/lowtropy/matrix/choose'));
    assert(!cpp('learn').has('cpp/lowtropy/graph'));
    assert(!cpp('updates').has('cpp/lowtropy/learn'));
    assert(!cpp('io').has('cpp/lowtropy/updates'));
    const web = (/** @type {string} */ room) => reach(WEB_ROOMS, `web/lib/${room}`);
    assert(!web('coordinate').has('web/lib/transport/threads'));
    assert(!web('coordinate').has('web/lib/model'));
    assert(!web('coordinate').has('web/lib/simulate'));
    for (const room of ['updates', 'learn', 'transport/threads', 'simulate']) {
      assert(!web('lowtropy').has(`web/lib/${room}`), room);
    }
  });
});

describe('includes', () => {
  test('against an arrow are told by file and line', () => {
    const files = new Map([
      ['cpp/ground/floor.h', '#pragma once\n#include "attic/roof.h"\n#include <vector>\n'],
      ['cpp/attic/roof.h', '#include "ground/floor.h"\n#include "hwy/highway.h"\n'],
      ['cpp/stairs/step.cc', '  #  include "roof.h"\n'],
      ['cpp/stairs/roof.h', ''],
    ]);
    assert.deepEqual(checkIncludes(HOUSE, files), [
      'cpp/ground/floor.h:2: cpp/ground must not know cpp/attic: scripts/lint/rooms.js has the arrows.',
    ]);
  });
});

describe('imports', () => {
  /**
   * @param {string} code of a file on the ground
   * @returns {number[]} lines of the complaints
   */
  const linesOf = (code) =>
    new Linter({ cwd: '/house' })
      .verify(
        code,
        {
          plugins: { rooms: { rules: { imports: importsByRoom(HOUSE) } } },
          rules: { 'rooms/imports': 'error' },
        },
        '/house/cpp/ground/floor.js',
      )
      .map(({ line, message }) => {
        assert.match(message, /^cpp\/ground must not know cpp\/attic/);
        return line;
      });

  test('along the arrows are let be', () => {
    assert.deepEqual(linesOf("import './wall.js';\nimport 'attic';\nexport const a = 1;"), []);
  });

  for (const code of [
    "import { a } from '../attic/roof.js';",
    "export { a } from '../attic/roof.js';",
    "export * from '../attic/roof.js';",
    "await import('../attic/roof.js');",
    "new Worker(new URL('../attic/roof.js', import.meta.url));",
    "/** @typedef {import('../attic/roof.js').Roof} Roof */",
  ]) {
    test(`against them are told of: ${code}`, () => assert.deepEqual(linesOf(`\n${code}`), [2]));
  }
});
