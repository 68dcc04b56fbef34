import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReader, type ReadJob } from './reader.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-reader-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A thread that does what is written there with each job. */
function script(name: string, body: string): URL {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(
    path,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', (job) => { ${body} });\n`,
  );
  return pathToFileURL(path);
}

const job = (kind: string) => ({ kind, payload: new Uint8Array(1), key: {} }) as unknown as ReadJob;
const content = { description: { sentence: 'read' }, tasks: [] };
const ended = expect.objectContaining({ code: 'REQUEST_READER_ENDED' }) as Error;

describe('the reader of large payloads', () => {
  test('a payload that ends its thread is an answer to whoever sent it, and the next one is read', async () => {
    const dies = `if (job.kind === 'deadly') process.exit(1); if (job.kind === 'throws') throw new Error('no');
      parentPort.postMessage({ problem: null, content: ${JSON.stringify(content)} })`;
    const reader = createReader({ threads: 1, mostMs: 10_000 }, script('dies', dies));
    await expect(reader.read('mallory', job('deadly'))).rejects.toThrow(ended);
    await expect(reader.read('mallory', job('throws'))).rejects.toThrow(ended);
    expect(await reader.read('alice', job('message'))).toEqual(content);
    reader.close();
  });

  test(
    'a payload that takes for ever is given up after its time, and the next one is read',
    { tags: 'slow' },
    async () => {
      const hangs = `if (job.kind === 'endless') for (;;);
      parentPort.postMessage({ problem: null, content: ${JSON.stringify(content)} })`;
      // Hers must be read in that time too, by a thread that is started for it, however busy the machine is.
      const reader = createReader({ threads: 1, mostMs: 3_000 }, script('hangs', hangs));
      const endless = reader.read('mallory', job('endless'));
      const hers = reader.read('alice', job('message'));
      await expect(endless).rejects.toThrow(ended);
      expect(await hers).toEqual(content);
      reader.close();
    },
  );

  test('a refusal of the payload comes back as the error that it is', async () => {
    const problem = {
      type: 'about:blank',
      title: 'the PSBT cannot be read',
      status: 400,
      errorClass: 'EncodingError',
      code: 'PSBT_MALFORMED',
      hint: 'export it again',
      retryable: false,
      facts: {},
    };
    const refuses = `parentPort.postMessage({ problem: ${JSON.stringify(problem)}, content: null })`;
    const reader = createReader({ threads: 1, mostMs: 10_000 }, script('refuses', refuses));
    await expect(reader.read('mallory', job('bitcoin'))).rejects.toMatchObject({
      errorClass: 'EncodingError',
      code: 'PSBT_MALFORMED',
    });
    reader.close();
  });
});
