import { changersNeeded } from '@ckm/client';

/** What it means that a key is strict, before it is made and as long as it lives: what it keeps off, and what it costs. */
export function strictLines({ needed, of }: { readonly needed: number; readonly of: number }): string[] {
  const changers = changersNeeded({ needed, of }, true);
  const who = changers === of ? `all ${of} servers` : `${changers} of the ${of} servers`;
  const liars = needed === 2 ? 'one that lies' : `${needed - 1} that lie`;
  const gone = of - changers + 1;
  return [
    `${who} decide on each change of them and each refresh: ${liars} cannot fork the key; fixed for ever`,
    // Where it takes all of them to sign, one that is gone ends more than changes.
    ...(changers === needed
      ? []
      : [
          `once ${gone === 1 ? 'one' : gone} of the ${of} ${gone === 1 ? 'is' : 'are'} gone for good, nothing but the words changes them any more (--by-words): the key signs on while ${needed} are left`,
        ]),
    // Who forgot waits for all the others; one alone is reminded.
    `once ${Math.max(gone, 2)} of them were put back from backups, or repaired, with no refresh between, nothing changes them any more: each waits for all the others; refresh after the first`,
    ...(changers === changersNeeded({ needed, of }, false)
      ? [
          `with ${needed} of ${of} that is no more than without: it counts once the key has other servers or another quorum`,
        ]
      : []),
  ];
}
