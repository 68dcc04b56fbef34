import { EncodingError } from '@ckm/foundation';
import { z } from 'zod';
import { type Paper, readPaper, writePaper } from '../approvers/paper.js';
import { bytesOf, label } from '../fields/fields.js';
import { readFreeze } from './freeze-statement.js';
import { type SignedStatement, signedStatement } from './signed-statement.js';

/** Of the file, in characters, with what stands around the line that counts: the authorities of 32 servers have less. */
export const MOST_FREEZE_PAPER_CHARACTERS = 1_048_576;
const LIMITS = { maxBytes: 524_288, maxDepth: 4, maxItems: 512 } as const;
const LINE = /ur:envelope\/[a-z]+/i;

const paperOfFreeze = z.strictObject({
  v: z.literal(1),
  kind: z.literal('freeze'),
  /** What the owner calls the key. */
  key: label(64).min(1),
  /** So many servers have to have it before nothing can be signed, when it was made. */
  stopping: z.int().min(1).max(32),
  servers: z
    .array(
      z.strictObject({
        name: label(64).min(1),
        url: label(2_048).min(1),
        xid: bytesOf(32),
        /** Certificates (PEM) that vouch for its TLS certificate besides those that every machine knows; absent: none. */
        authority: z.string().max(65_536).exactOptional(),
      }),
    )
    .min(1)
    .max(32),
  freeze: signedStatement,
});

/** A freeze that is kept on paper, with the servers that it is for: all that somebody needs who has nothing else. */
export interface FreezePaper extends Omit<z.infer<typeof paperOfFreeze>, 'v' | 'kind' | 'freeze'> {
  readonly freeze: SignedStatement;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
}

/** As `ur:envelope/…`. */
export function writeFreezePaper({ key, stopping, servers, freeze }: Omit<FreezePaper, 'keyId'>): Paper {
  return writePaper({
    v: 1,
    kind: 'freeze',
    key,
    stopping,
    servers: servers.map((one) => ({ ...one })),
    freeze: { ...freeze },
  });
}

/** Reads one, out of whatever text stands around it. @throws EncodingError `FREEZE_PAPER_INVALID` */
export function parseFreezePaper(text: string): FreezePaper {
  const line = text.length > MOST_FREEZE_PAPER_CHARACTERS ? null : LINE.exec(text);
  const paper = line === null ? null : readPaper(line[0].toLowerCase(), LIMITS);
  const parsed = paperOfFreeze.safeParse(paper?.content);
  if (!parsed.success) throw paperInvalid();
  const { v: _v, kind: _kind, ...read } = parsed.data;
  return { ...read, keyId: readFreeze(read.freeze).keyId };
}

function paperInvalid(): EncodingError {
  return new EncodingError('this is no freeze that was kept on paper, or it is cut', {
    code: 'FREEZE_PAPER_INVALID',
    hint: 'bring the whole line that begins with ur:envelope/, as it was printed or as its QR code says',
  });
}
