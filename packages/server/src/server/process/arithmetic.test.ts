import { type SuiteBackend, suiteBackends } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../../control/connect-operator.js';
import { person } from '../../test/rooms.js';
import { startTestServer, type TestServer } from '../../test/test-server.js';

/** A machine for which libsecp256k1 has neither a binary nor WebAssembly. */
const SLOW: readonly SuiteBackend[] = suiteBackends().map((found) =>
  found.suite.startsWith('secp256k1') ? { ...found, backend: 'noble', grade: 'bigint' } : found,
);
const WASM: readonly SuiteBackend[] = suiteBackends().map((found) => ({ ...found, grade: 'wasm' }));

const running: TestServer[] = [];

async function start(...[options]: Parameters<typeof startTestServer>): Promise<TestServer> {
  const server = await startTestServer(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  for (const server of running.splice(0)) await server.remove();
});

describe('the arithmetic of a server', () => {
  test('startServer refuses a machine on which only bigint computes a suite, and names the suites', async () => {
    await expect(start({ start: { backends: SLOW } })).rejects.toMatchObject({
      code: 'ARITHMETIC_SLOW',
      message: 'neither a native library nor WebAssembly computes secp256k1, secp256k1-tr on this machine',
      facts: { suites: ['secp256k1', 'secp256k1-tr'] },
    });
  });

  test('startServer takes WebAssembly for good enough', async () => {
    const alpha = await start({ start: { backends: WASM } });
    expect(alpha.server.phase()).toBe('ready');
  });

  test.each([
    ['the environment', { start: { variables: { CKM_ALLOW_SLOW_ARITHMETIC: '1', CKM_ALLOW_INSPECT: '1' } } }],
    ['config.json', { settings: { allowSlowArithmetic: true } }],
  ])('startServer starts all the same when %s allows it, and says so everywhere', async (_, options) => {
    const alpha = await start({
      ...options,
      start: { backends: SLOW, ...('start' in options ? options.start : {}) },
    });
    const logged = alpha
      .log()
      .split('\n')
      .find((line) => line.includes('arithmetic whose time depends on secrets'));
    expect(JSON.parse(logged!)).toMatchObject({ level: 40, secp256k1: 'noble', 'P-256': 'openssl' });
    const client = await alpha.as(person(1)).join();
    const { arithmetic } = await client.ask('server.describe', {});
    expect(arithmetic).toEqual(SLOW);
    const operator = connectOperator(alpha.dataDir);
    expect((await operator.status()).arithmetic).toEqual(SLOW);
    expect(await operator.metrics()).toContain(
      'ckm_arithmetic_info{suite="secp256k1",backend="noble",grade="bigint"} 1',
    );
  });

  test('a server with constant-time libraries names them at start', async () => {
    const alpha = await start();
    const logged = alpha
      .log()
      .split('\n')
      .find((line) => line.includes('"msg":"arithmetic"'));
    expect(JSON.parse(logged!)).toMatchObject({
      level: 30,
      ed25519: 'sodium-native',
      secp256k1: 'libsecp256k1',
    });
  });
});
