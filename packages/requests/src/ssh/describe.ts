import { encodeHex, equalBytes } from '@ckm/foundation';
import { demand } from '../errors.js';
import type { Description, DescriptionRow, KeyContext } from '../kind.js';
import { bareWord } from '../text/bare-name.js';
import { BLIND_WARNING, contentRow, readableText } from '../text/content.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, escapeText, groupsOfFour, plural, quoteText } from '../text/quote.js';
import { sshFingerprint, sshPublicKeyBlob } from './blob.js';
import type { SshRequest, SshSignature } from './parse.js';
import type { SshLogin } from './userauth.js';

/** @throws EncodingError `SSH_KEY_NOT_OURS` when a login names another key than the one that is asked. */
export function assertKeyNamed(typed: SshRequest, key: KeyContext): void {
  if (typed.type === 'signature') return;
  demand(
    equalBytes(typed.publicKey, sshPublicKeyBlob(key.public.groupKey)),
    'SSH_KEY_NOT_OURS',
    'the SSH challenge is for another key',
  );
}

function describeLogin(typed: SshLogin, key: KeyContext): Description {
  const user = bareWord(typed.user);
  const host =
    typed.hostKey === null
      ? 'an SSH server that the challenge does not name'
      : `the SSH server with host key ${sshFingerprint(typed.hostKey.blob)}`;
  const rows: DescriptionRow[] = [
    { label: 'User', value: user },
    typed.hostKey === null
      ? { label: 'Server', value: 'not named', note: 'the server or the client is too old to name it' }
      : { label: 'Server', value: sshFingerprint(typed.hostKey.blob), note: typed.hostKey.algorithm },
    { label: 'Key', value: sshFingerprint(typed.publicKey) },
    { label: 'Session', value: groupsOfFour(encodeHex(typed.sessionId)) },
  ];
  const unbound = {
    code: 'SSH_HOST_UNKNOWN',
    text: 'the challenge does not say which server it logs in to: whoever relays it can log in elsewhere',
  };
  return {
    sentence: `Log in as ${user} to ${host} with ${keyName(key)}`,
    rows,
    warnings: typed.hostKey === null ? [unbound] : [],
    blind: false,
  };
}

function describeSignature(typed: SshSignature, key: KeyContext): Description {
  const text = typed.message === null ? null : readableText(typed.message);
  const namespace = escapeText(typed.namespace);
  return {
    sentence: `Sign ${signedContent(typed, text)} in the SSH namespace ${namespace} with ${keyName(key)}`,
    rows: [
      { label: 'Namespace', value: namespace },
      typed.message === null
        ? { label: 'Message', value: 'not sent', note: 'only its digest is known' }
        : contentRow('Message', typed.message, text),
      {
        label: typed.hash === 'sha256' ? 'SHA-256' : 'SHA-512',
        value: groupsOfFour(encodeHex(typed.digest)),
      },
    ],
    warnings: text === null ? [BLIND_WARNING] : [],
    blind: text === null,
  };
}

function signedContent({ message, hash, digest }: SshSignature, text: string | null): string {
  if (text !== null) return `the message ${quoteText(text)}`;
  if (message !== null) {
    return `${plural(message.length, 'byte')} that cannot be described (${describeDigest(message)}) — blind signing —`;
  }
  const name = hash === 'sha256' ? 'SHA-256' : 'SHA-512';
  return `a message that cannot be described (${name} ${groupsOfFour(encodeHex(digest))}) — blind signing —`;
}

/** @throws EncodingError `SSH_KEY_NOT_OURS` */
export function describeSsh(typed: SshRequest, key: KeyContext): Description {
  assertKeyNamed(typed, key);
  return typed.type === 'login' ? describeLogin(typed, key) : describeSignature(typed, key);
}
