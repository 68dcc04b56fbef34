import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const COMPILED = join(import.meta.dirname, '../../dist/node/index.js');

test.skipIf(!existsSync(COMPILED))(
  'a program that imports the client does not load HTTP, fetch and WebSocket (skipped when not compiled: npm run build)',
  () => {
    const program = `await import(process.argv[1]); console.log(JSON.stringify(process.moduleLoadList))`;
    const args = ['--input-type=module', '--eval', program, COMPILED];
    const loaded = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as string[];
    expect(loaded).toContain('NativeModule events');
    const dear = (name: string) => name.includes('undici') || /^NativeModule https?$/.test(name);
    expect(loaded.filter(dear)).toEqual([]);
  },
);
