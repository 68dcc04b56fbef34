import { type Command, Option } from 'commander';
import { EncodingError, UsageError } from '@ckm/foundation';
import { type KeyContext, requestKind, transactionIn } from '@ckm/requests';
import type { SuiteName } from '@ckm/threshold';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { optionInvalid } from '../command-line/option-values.js';
import { openOwner } from '../owner/open-owner.js';
import { buildSigned, type Signed, type VerifyFlags } from '../verify/build-signed.js';
import { publicKeyContext } from '../verify/public-key.js';
import { likenessLine, likenessObject } from '../terminal/likeness.js';
import { plainText } from '../terminal/plain-text.js';

/** `ckm verify SIGNATURE` */
export function verifyCommand(): Command {
  const what = 'What was signed (one of):';
  const whose = 'Whose signature it should be (one of):';
  return leaf('verify', 'check a signature; no server is asked', { 65: 'it is not that signature' })
    .argument(
      '<signature>',
      'a file: hex, bytes, an SSH signature, or what is signed with its signature in it; - is stdin',
    )
    .argument('[file]', 'the message that was signed')
    .addOption(new Option('--message <text>', 'a message given here').helpGroup(what))
    .addOption(
      new Option('--git', 'SIGNATURE is a signed commit, tag or push: git cat-file commit HEAD').helpGroup(
        what,
      ),
    )
    .addOption(new Option('--psbt', 'SIGNATURE is a signed Bitcoin transaction (PSBT)').helpGroup(what))
    .addOption(
      new Option(
        '--ssh-namespace <name>',
        'the file, as ssh-keygen -Y verify would, in this namespace',
      ).helpGroup(what),
    )
    .addOption(new Option('--key <name>', 'one of your own keys: see ckm key list').helpGroup(whose))
    .addOption(
      new Option(
        '--public <key>',
        'what ckm key show NAME --public prints: hex or an SSH line; needs no owner seed',
      ).helpGroup(whose),
    )
    .addOption(
      new Option('--suite <suite>', 'the suite of that public key, where it is not ed25519')
        .choices(requestKind('message').suites)
        .helpGroup(whose),
    )
    .option('--domain <name>', 'which application the message is for (default: ckm)')
    .option('--raw', 'the bytes of the message were signed as they are, without a domain')
    .action(run(verify));
}

interface Flags extends VerifyFlags {
  readonly key?: string;
  readonly public?: string;
  readonly suite?: SuiteName;
}

async function verify(
  context: Context,
  signature: string,
  file: string | undefined,
  given: Flags,
): Promise<void> {
  const { terminal } = context;
  const signed = await buildSigned(signature, file, given);
  const key = await keyOf(context, signed, given);
  const isGood = requestKind(signed.kind).parse(signed.payload).verify(key.context, signed.artefact);
  if (!isGood) throw notGood(signed, key, given);
  const what = sentenceOf(signed, key.context);
  terminal.result(`good: ${what}, signed with ${key.shown}`, {
    good: true,
    kind: signed.kind,
    signed: what,
    ...key.object,
  });
}

interface VerifyKey {
  readonly context: KeyContext;
  readonly shown: string;
  /** For machines. */
  readonly object: Readonly<Record<string, unknown>>;
}

async function keyOf(
  context: Context,
  { kind }: Signed,
  { key: name, public: text, suite }: Flags,
): Promise<VerifyKey> {
  if ((name === undefined) === (text === undefined)) throw whose(name !== undefined);
  if (name === undefined) {
    const context = publicKeyContext(kind, text!, suite);
    return {
      context,
      shown: `this public key (${context.suite})`,
      object: { key: null, suite: context.suite },
    };
  }
  if (suite !== undefined) {
    throw optionInvalid(
      '--suite is about a key that --public gives',
      'leave it out: your own keys know theirs',
    );
  }
  const found = await (await openOwner(context)).showKey(name);
  const { transcriptHash } = found;
  return {
    context: found.context,
    shown: `${name} (${likenessLine(transcriptHash)})`,
    object: { key: name, likeness: likenessObject(transcriptHash) },
  };
}

/** What the signature says, without the words that ask for it. */
function sentenceOf({ kind, payload, artefact, fileName }: Signed, key: KeyContext): string {
  if (kind === 'bitcoin') {
    const final = transactionIn(artefact);
    return final === null ? 'every coin of the key in this PSBT' : `transaction ${final.txid}`;
  }
  const context = fileName === undefined ? key : { ...key, fileName };
  const { sentence } = requestKind(kind).parse(payload).describe(context);
  const [, said] = /^Sign (.*?),? with (?:this key|[^ ]+)$/s.exec(sentence) ?? [];
  return plainText(said ?? sentence);
}

function notGood(
  signed: Signed,
  { context, shown }: VerifyKey,
  { raw, public: text, suite }: Flags,
): EncodingError {
  const { kind, artefact, other } = signed;
  const isOther = other !== null && requestKind(kind).parse(other).verify(context, artefact);
  const instead =
    raw === true
      ? 'leave --raw out: it was signed with the domain ckm'
      : 'add --raw: it was signed without a domain';
  const ofAnother = text === undefined || suite !== undefined ? '' : '; one of another suite needs --suite';
  return new EncodingError(
    `the signature is not that of ${shown} for this: ${plainText(sentenceOf(signed, context))}`,
    {
      code: 'SIGNATURE_INVALID',
      hint: isOther ? instead : `compare the message to the last byte, its domain, and the key${ofAnother}`,
    },
  );
}

function whose(isBoth: boolean): UsageError {
  return new UsageError(isBoth ? '--key and --public both name a key' : 'whose signature should it be?', {
    code: 'SUBJECT_MISSING',
    hint: 'name one of your keys with --key, or give any public key with --public',
  });
}
