import type { Description, DescriptionRow, DescriptionWarning, KeyContext } from '../kind.js';
import { sshFingerprint, sshPublicKeyBlob } from '../ssh/blob.js';
import { bareWord } from '../text/bare-name.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, groupDigits, plural, quoteText } from '../text/quote.js';
import { encodingRows, instantOf, shortId, textWarnings } from './describe-text.js';
import { isNoObject, type GitPush, type RefUpdate } from './push.js';
import { findTwins, isRefName, spellOut } from './ref-names.js';

/** Updates that the sentence says; the table has all. */
const SAID_UPDATES = 3;

/** What a signed push says to the receiving side: who pushes, where to, and what becomes of each ref. */
export function describePush(typed: GitPush, key: KeyContext): Description {
  const { pushee, updates, options, nonce, pusher } = typed;
  const said = updates.slice(0, SAID_UPDATES).map(updateWords);
  const more = updates.length - said.length;
  if (more > 0) said.push(`${groupDigits(more)} more`);
  const where = pushee === null ? 'somewhere that it does not name' : quoteText(pushee, 100);
  const rows: DescriptionRow[] = [
    pusherRow(typed, key),
    { label: 'Goes to', value: pushee === null ? 'not named' : quoteText(pushee, 2000) },
    { label: 'Nonce', value: nonce === null ? 'none' : quoteText(nonce, 2000) },
    ...options.map((option) => ({ label: 'Option', value: quoteText(option, 2000) })),
    ...updates.map(updateRow),
    { label: 'Certificate', value: describeDigest(typed.object), note: plural(typed.object.length, 'byte') },
    ...encodingRows(typed.encoding),
  ];
  return {
    sentence: `Sign push to ${where} of ${instantOf(pusher)}: ${said.join('; ')}, with ${keyName(key)}`,
    rows,
    warnings: [...warningsOf(typed, key), ...textWarnings(typed.encoding, shownTexts(typed))],
    blind: false,
  };
}

function updateWords({ ref, from, to }: RefUpdate): string {
  const name = bareWord(ref);
  if (isNoObject(from)) return `create ${name} at ${shortId(to)}`;
  return isNoObject(to)
    ? `delete ${name}, which is at ${shortId(from)}`
    : `move ${name} from ${shortId(from)} to ${shortId(to)}`;
}

function updateRow({ ref, from, to }: RefUpdate): DescriptionRow {
  const moved = isNoObject(to) ? `deleted, was ${from}` : `from ${from} to ${to}`;
  return { label: 'Ref', value: quoteText(ref, 2000), note: isNoObject(from) ? `new, at ${to}` : moved };
}

function pusherRow({ pusher }: GitPush, key: KeyContext): DescriptionRow {
  const isOurs = pusher.name === fingerprintOf(key);
  const value = isOurs ? pusher.name : quoteText(pusher.name, 2000);
  const note = `${isOurs ? 'this key, ' : ''}${instantOf(pusher)}, zone ${pusher.zone}`;
  return { label: 'Pusher', value, note };
}

function warningsOf({ nonce, pusher, pushee, updates }: GitPush, key: KeyContext): DescriptionWarning[] {
  const warnings: DescriptionWarning[] = [];
  if (pusher.name.startsWith('SHA256:') && pusher.name !== fingerprintOf(key)) {
    const text = 'the certificate names another key as the one that pushes';
    warnings.push({ code: 'PUSHER_IS_ANOTHER', text });
  }
  if (nonce === null) {
    const text = 'the certificate holds no nonce: whoever gets it can use it again';
    warnings.push({ code: 'PUSH_WITHOUT_NONCE', text });
  }
  if (pushee === null) {
    const text = 'the certificate names no repository: whoever has it can offer it to any';
    warnings.push({ code: 'PUSH_WITHOUT_PUSHEE', text });
  }
  return [...warnings, ...refWarnings(updates.map(({ ref }) => ref))];
}

function refWarnings(refs: readonly string[]): DescriptionWarning[] {
  const warnings: DescriptionWarning[] = [];
  const wrong = refs.filter((ref) => !isRefName(ref));
  if (wrong.length > 0) {
    const more = wrong.length === 1 ? '' : `, and ${groupDigits(wrong.length - 1)} more like it`;
    const text = `git takes no ref of the name ${spellOut(wrong[0]!)}${more}`;
    warnings.push({ code: 'REF_NAME_INVALID', text });
  }
  const twins = findTwins(refs);
  if (twins !== null) {
    const text = `it changes refs that people or disks may take for one: ${twins.map(spellOut).join(' and ')}`;
    warnings.push({ code: 'REFS_LOOK_ALIKE', text });
  }
  return warnings;
}

function fingerprintOf({ public: { groupKey } }: KeyContext): string {
  return sshFingerprint(sshPublicKeyBlob(groupKey));
}

function shownTexts({ pusher, pushee, options, updates }: GitPush): readonly string[] {
  return [pusher.name, pushee ?? '', ...options, ...updates.map(({ ref }) => ref)];
}
