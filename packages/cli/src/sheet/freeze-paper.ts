import {
  type CarriedFreezePaper,
  type CarriedTo,
  carryFreezePaper,
  MOST_FREEZE_PAPER_CHARACTERS,
  parseFreezePaper,
  type PreparedFreeze,
} from '@ckm/client';
import { AvailabilityError, encodeHex, encodeUtf8, PolicyError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { createQr } from './qr.js';
import { plainText } from '../terminal/plain-text.js';
import { readCarried } from '../picture/read-carried.js';
import { formatTable } from '../terminal/table.js';
import { assertWritable, outFile, writeOut } from '../terminal/write-out.js';
import { openOwner } from '../owner/open-owner.js';

/** Capitals and digits: half of what the largest code holds of those, so that a camera still reads it off paper. Source: ISO/IEC 18004, 4,296 of them. */
const MOST_QR_CHARACTERS = 2_100;

/** `ckm freeze NAME --paper`: stops nothing. */
export async function freezeOntoPaper(
  context: Context,
  name: string,
  named: string | undefined,
): Promise<void> {
  const { terminal, flags } = context;
  const out = outFile(named);
  await assertWritable(out, flags);
  const client = await openOwner(context);
  if (flags.preview === true) {
    await client.showKey(name);
    const text = `nothing was made; would make a freeze of ${name} to keep on paper, which stops it once, for seven days`;
    terminal.result(text, { preview: true, name });
    return;
  }
  const made = await client.prepareFreeze(name);
  const page = await pageOf(made);
  const machine = {
    key: made.key,
    keyId: encodeHex(made.keyId),
    by: made.by,
    stopping: made.stopping,
    servers: made.servers.map((one) => one.name),
    paper: made.text,
    ...(out === undefined ? {} : { out }),
  };
  if (out !== undefined) await writeOut(out, encodeUtf8(page));
  terminal.copied(out === undefined ? page : '', machine);
  if (out !== undefined)
    terminal.talk(`  written to ${out}: print it, and keep it where you get at it without a device`);
  terminal.talk(
    '  nothing is stopped now; whoever has the paper stops the key once, and does nothing else with it',
  );
  if (made.by === 'device')
    terminal.talk('  it is signed by this device: once that is taken off, the paper is worth nothing');
}

/** What is printed. */
async function pageOf({ key, servers, text, by }: PreparedFreeze): Promise<string> {
  const code = text.length > MOST_QR_CHARACTERS ? null : await createQr(text.toUpperCase(), 'ascii');
  return [
    `A freeze of the key ${key}`,
    '',
    `Whoever brings this to its servers stops ${key} for seven days, once. It does nothing else.`,
    'On any machine, without an account, a device or words: ckm freeze --from FILE',
    `(FILE holds this page, or the line that begins with ur:envelope/, as it stands below${code === null ? '' : ' and in the code'}.)`,
    '',
    `Signed by ${by === 'words' ? 'the words of its owner' : 'a device of its owner, and good as long as that is not taken off'}.`,
    `Servers: ${servers.map((one) => `${one.name} ${one.url}`).join(', ')}`,
    '',
    text,
    ...(code === null ? [] : ['', code]),
    '',
  ].join('\n');
}

/** `ckm freeze --from FILE`: by whoever has it. Nothing of a home is read. */
export async function freezeFromPaper(context: Context, path: string): Promise<void> {
  const { terminal, flags } = context;
  const text = await readCarried(
    path,
    MOST_FREEZE_PAPER_CHARACTERS,
    'name the right file: no paper is so long',
  );
  if (flags.preview === true) {
    const { key, servers, stopping } = parseFreezePaper(text);
    const said = `nothing was sent; would tell ${servers.length} servers to do nothing with ${plainText(key)} for seven days, and ${stopping} of them stop it`;
    terminal.result(said, { preview: true, key });
    return;
  }
  const done = await carryFreezePaper(text, { timeoutMs: context.timeoutMs });
  terminal.result(carriedText(done), { ...done, keyId: encodeHex(done.keyId) });
  if (!done.isStopped) throw afterAnswer(notStopped(done));
}

const LEVELS: Record<CarriedTo['verdict'], 'ok' | 'warn' | 'fail'> = {
  frozen: 'ok',
  refused: 'fail',
  silent: 'warn',
};

function carriedText({ key, isStopped, stopping, servers }: CarriedFreezePaper): string {
  const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const count = `${have} of the ${servers.length} servers on the paper have it, ${stopping} are needed`;
  const head = `${plainText(key)} is ${isStopped ? 'stopped' : 'NOT yet stopped'}: ${count}`;
  const rows = servers.map((one) => [LEVELS[one.verdict], plainText(one.server), plainText(one.text)]);
  return [
    head,
    formatTable(rows, '  '),
    '  where the key has other servers since, the paper says nothing to those',
  ].join('\n');
}

function notStopped({ key, stopping, servers }: CarriedFreezePaper): AvailabilityError | PolicyError {
  const text = `${key} is NOT yet stopped: ${stopping} servers have to be told`;
  const others = servers.filter(({ verdict }) => verdict !== 'frozen').map(({ server }) => server);
  const refusing = servers.find(({ verdict }) => verdict === 'refused');
  if (refusing === undefined)
    return new AvailabilityError(text, {
      code: 'KEY_NOT_FROZEN',
      hint: 'bring it again to those that do not answer, until it says that the key is stopped',
      facts: { servers: others },
    });
  return new PolicyError(`${text}; ${refusing.server} refuses`, {
    code: 'KEY_NOT_FROZEN',
    hint: `${refusing.text}: ask its operator to allow nothing for the key`,
    facts: { servers: others },
  });
}
