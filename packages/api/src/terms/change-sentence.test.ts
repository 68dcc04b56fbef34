import { REQUEST_FACTS } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { termsChangeSentences } from './change-sentence.js';
import { approver, bytes, daily, EVERYBODY, familyTerms, policy } from './fixtures/terms.js';
import type { KeyTerms } from './schema.js';

const family = familyTerms();
const said = (after: Partial<KeyTerms>, before: KeyTerms = family) =>
  termsChangeSentences(before, { ...before, version: 1, previous: bytes(5), ...after }, REQUEST_FACTS);

describe('a change of terms in sentences', () => {
  test('says that it is tighter where that is proved, and both limits', () => {
    expect(said({ approvals: daily(500_000) })).toEqual([
      'Terms 1 in the place of terms 0',
      'They let in no request that those did not',
      'No longer: Rule 1: where the amount with its fee, summed over 1 d, is at most 0.01000000 BTC, nobody is asked',
      'No longer: Rule 2: where the amount with its fee, summed over 1 d, is above 0.01000000 BTC, 2 of alice, bob, carol have to say yes',
      'New: Rule 1: where the amount with its fee, summed over 1 d, is at most 0.00500000 BTC, nobody is asked',
      'New: Rule 2: where the amount with its fee, summed over 1 d, is above 0.00500000 BTC, 2 of alice, bob, carol have to say yes',
    ]);
  });

  test('says that it takes back what has followed, where it does', () => {
    const [what, lets] = said({ version: 4, approvals: daily(500_000) });
    expect(what).toBe('Terms 4 in the place of terms 0, and of whatever servers have put in force since');
    // A thief’s tightening, or the owner’s against him, is not in these bytes.
    expect(lets).toBe(
      'They let in no request that terms 0 did not; where servers have tightened those since, they may let in more than now',
    );
    const [, back] = said({ version: 4 });
    expect(back).toBe(lets);
    const [, more] = said({ version: 4, kinds: [...family.kinds, 'message'] });
    expect(more).toBe('They may let in more, or bind its owner in another way, by: kinds of requests');
  });

  test('says by what it may loosen, and who comes, with all that names him', () => {
    const dave = approver('dave', 4);
    const [, loosens, ...rest] = said({
      approvers: [...family.approvers!, dave],
      change: { ...family.change!, of: [...EVERYBODY, 'dave'] },
    });
    expect(loosens).toBe(
      'They may let in more, or bind its owner in another way, by: how the terms change, approvers',
    );
    expect(rest.at(-1)).toMatch(/^New: dave is XID (?:0404 ){15}0404, with the Ed25519 key (?:6868 ?){16}$/);
    expect(rest).toContain(
      'New: For other terms 2 of alice, bob, carol, dave have to say yes; what loosens them works after 3 d',
    );
  });

  test('says all that is new where a key gets its first rules', () => {
    const sentences = said(family, policy);
    expect(sentences.filter((sentence) => sentence.startsWith('No longer'))).toEqual([
      'No longer: Nobody else is asked for a request',
    ]);
    expect(sentences.filter((sentence) => sentence.startsWith('New: Rule'))).toHaveLength(2);
  });

  test('says of the same terms nothing but their numbers', () => {
    expect(said({})).toHaveLength(2);
  });
});
