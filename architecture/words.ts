import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, SHIPPED } from './source.js';

const COMMENT = /^\s*(\/\/|\/?\*)/;
/** The name of the command before one of its words, or an option of it. Labels that are hashed or stored are none. */
const COMMAND = /['"` ]ckm (?!hedge|message sealing|storage key|epoch)[a-z]|--(account|without|timeout)\b/;

describe('what packages say', () => {
  test('no package below the command line names a command: hints are words, remedies are data', () => {
    const wrong = SHIPPED.filter(({ path }) => !/^packages\/(cli|testkit)\//.test(path)).flatMap(({ path }) =>
      readFileSync(join(ROOT, path), 'utf8')
        .split('\n')
        .filter((line) => !COMMENT.test(line) && COMMAND.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(wrong).toEqual([]);
  });
});
