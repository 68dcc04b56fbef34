import type { FetchedKey, HolderVerdict, KeyHolder } from '@ckm/client';
import { formatInstant, unixNow } from './instant.js';
import { formatLikeness, likenessLine, likenessObject } from './likeness.js';
import { formatTable } from './table.js';
import type { Terminal } from './terminal.js';

const LEVELS: Record<HolderVerdict, 'ok' | 'warn' | 'fail'> = {
  holds: 'ok',
  pending: 'ok',
  differs: 'fail',
  unknown: 'fail',
  silent: 'warn',
  refused: 'warn',
  'not-added': 'warn',
};

/** A key that is not on record yet, as its owner compares it with what was written down. */
export function fetchedLines(terminal: Terminal, key: FetchedKey): string {
  const { suggestedName, transcriptHash, purpose, suite, quorum, createdAt, servers } = key;
  return [
    '',
    formatLikeness(terminal, suggestedName, transcriptHash),
    '',
    `  For         ${purpose} (${suite}), ${quorum.needed} of ${quorum.of}`,
    `  Made        ${formatInstant(createdAt, unixNow())}`,
    formatTable(servers.map(holderRow), '  '),
    '',
  ].join('\n');
}

function holderRow({ server, xid, url, verdict, text }: KeyHolder): string[] {
  if (server !== null) return [LEVELS[verdict], server, text];
  // Address and likeness come out of the certificate: whoever shows a false one would have them agree.
  return [
    LEVELS[verdict],
    url === '' ? 'somewhere' : url,
    `${text}: ask its operator whether it looks like ${likenessLine(xid)}`,
  ];
}

/** The same for machines. */
export function fetchedObject(key: FetchedKey): unknown {
  const {
    keyId,
    transcriptHash,
    policy,
    purpose,
    suite,
    quorum,
    createdAt,
    suggestedName,
    isVouched,
    isForked,
    servers,
  } = key;
  const likeness = likenessObject(transcriptHash);
  return {
    suggestedName,
    keyId,
    purpose,
    suite,
    quorum,
    policy,
    createdAt,
    transcriptHash,
    likeness,
    isVouched,
    isForked,
    servers,
  };
}
