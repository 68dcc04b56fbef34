import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXPLANATIONS } from './explanations.js';

const PACKAGES = join(import.meta.dirname, '../../../');

/** Words in the source that are written like codes and are none. */
const OTHER_WORDS = new Set([
  'ABSENT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EEXIST',
  'EISDIR',
  'ENOENT',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_DLOPEN_FAILED',
  'ERR_MODULE_NOT_FOUND',
  'ERR_STREAM_DESTROYED',
  'MODULE_NOT_FOUND',
  'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ERR_PROXY',
  'ERR_PROXY_TUNNEL',
  'NODE_OPTIONS',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'SHIFT_JIS',
  'NO_COLOR',
  'NO_TWEAK',
  'SSH_AUTH_SOCK',
  'SQLITE_BUSY',
  'SQLITE_ERROR',
  'IOERR_WRITE',
  'SQLITE_FULL',
  'WAITING',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UND_ERR_SOCKET',
  'XAES_256_GCM',
  'XCHACHA20_POLY1305',
]);

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(test|fixtures|explain)$/.test(entry.name) ? [] : sourceFiles(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** What runs before the program is loaded has errors too. */
const BEFORE_THE_PROGRAM = join(PACKAGES, 'cli/bin/ckm.js');

/**
 * Every code in the source of the packages: quoted words in capitals joined by `_`, single ones after `code:`, and the
 * keys of tables of codes (`CODE: '…'`, `CODE: [`).
 */
function codesInSource(change: (source: string) => string = (source) => source): Map<string, string> {
  const codes = new Map<string, string>();
  const patterns = [
    /['"`]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)['"`]/g,
    /code: '([A-Z]+)'/g,
    /^ {2}([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): (?:'|\[[A-Z]|\n)/gm,
  ];
  for (const name of readdirSync(PACKAGES)) {
    if (name === 'testkit') continue;
    const before = name === 'cli' ? [BEFORE_THE_PROGRAM] : [];
    for (const file of [...sourceFiles(join(PACKAGES, name, 'src')), ...before]) {
      const source = change(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, ''));
      for (const pattern of patterns) {
        for (const [, code] of source.matchAll(pattern)) codes.set(code!, file.slice(PACKAGES.length));
      }
    }
  }
  return codes;
}

describe('ckm explain', () => {
  const codes = codesInSource();

  test('explains every code that any package can raise', () => {
    const missing = [...codes].filter(
      ([code]) => !EXPLANATIONS.has(code) && !OTHER_WORDS.has(code) && !code.startsWith('CKM_'),
    );
    expect(codes.size).toBeGreaterThan(250);
    expect(missing.map(([code, file]) => `${code} (${file})`)).toEqual([]);
  });

  test('explains no code that nobody raises: standing in a list of codes is not raising', () => {
    const raised = codesInSource((source) =>
      source.replace(/const [A-Z_]*CODES = \[[\s\S]*?\] as const/g, ''),
    );
    expect(raised.size).toBeGreaterThan(250);
    expect([...EXPLANATIONS.keys()].filter((code) => !raised.has(code))).toEqual([]);
  });

  test('says in whole sentences what, why and what to do', () => {
    for (const [code, { what, why, act }] of EXPLANATIONS) {
      for (const sentence of [what, why, act])
        expect(sentence, code).toMatch(/^(?:[A-Z“]|git |ckm )[\s\S]{8,}$/);
    }
  });
});
