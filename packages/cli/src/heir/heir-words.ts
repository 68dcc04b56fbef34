import type { KeySilence, SilenceAt } from '@ckm/client';
import { encodeHex, formatSpan, StateError } from '@ckm/foundation';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

const DAY_SECONDS = 86_400;

/** What the servers of one key say, and what has to happen before its use is granted. */
export function silenceText(key: KeySilence): string {
  const rows = key.servers.map((one) => [`  ${plainText(one.server)}`, serverText(one)]);
  const silent = key.silent.map(({ server, text }) => [`  ${plainText(server)}`, plainText(text)]);
  return `${headText(key)}\n${formatTable([...rows, ...silent])}`;
}

function headText({ keyName, keyId, name, granted, servers }: KeySilence): string {
  const head = `${plainText(keyName)} (${encodeHex(keyId).slice(0, 8)}), as ${name}: `;
  if (granted.length > 0) return `${head}granted: you may ${granted.join(' and ')} it`;
  if (servers.some((one) => one.case !== null)) return `${head}asked for, not granted yet`;
  return `${head}nobody has asked for it`;
}

function serverText(at: SilenceAt): string {
  const { silentSeconds, afterSeconds, granted, missing, isAgreed, doubted = [] } = at;
  const silence = `no sign of life for ${spanText(silentSeconds)} of ${formatSpan(afterSeconds)}`;
  if (granted.length > 0) return `${silence}; grants ${granted.join(' and ')}`;
  if (at.case === null) return silence;
  const { heir, leftSeconds } = at.case;
  const doubts = doubted.length === 0 ? '' : `; ${doubted.join(', ')} took the owner to be alive`;
  const asked = `${silence}; ${heir} asks${doubts}`;
  if (leftSeconds === null) return `${asked}; somebody has still to be told`;
  if (leftSeconds > 0) return `${asked}; ${spanText(leftSeconds, 'up')} more`;
  return `${asked}; waits for the word of ${missing.join(', ')}${isAgreed ? '' : ', or, where that is dead, for its own operator'}`;
}

/** Whole days, or hours where it is less than two. */
export function spanText(seconds: number, towards: 'up' | 'down' = 'down'): string {
  const round = towards === 'up' ? Math.ceil : Math.floor;
  if (seconds >= 2 * DAY_SECONDS) return `${round(seconds / DAY_SECONDS)} d`;
  return `${round(seconds / 3_600)} h`;
}

export function silenceObject({ keyName, keyId, name, granted, servers, silent }: KeySilence) {
  return { key: keyName, keyId: encodeHex(keyId), name, granted, servers, silent };
}

/** As long as it is not granted the command that asks has exit status 75: it is said again. */
export function heirWaits({ keyName, servers }: KeySilence): StateError {
  const isOpen = servers.some((one) => one.case !== null);
  return new StateError(
    isOpen
      ? `${keyName} is not granted to you yet`
      : `the owner of ${keyName} has not been silent for long enough`,
    {
      code: 'HEIR_WAITS',
      hint: 'ask again when the time has passed that each server names',
      facts: { key: keyName },
    },
  );
}
