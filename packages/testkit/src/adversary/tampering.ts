import type { Passage, Tampering } from '../courier.js';

type Where = (passage: Passage) => boolean;

/** Loses the packets chosen, for good. */
export function dropping(where: Where): Tampering {
  return (passage) => (where(passage) ? [] : [passage.packet]);
}

/** Holds the packets chosen back for `times` opportunities. */
export function delaying(where: Where, times: number): Tampering {
  const waited = new Map<string, number>();
  return (passage) => {
    if (!where(passage)) return [passage.packet];
    const name = `${passage.from}>${passage.to}/${passage.round}`;
    const seen = waited.get(name) ?? 0;
    waited.set(name, seen + 1);
    return seen < times ? [] : [passage.packet];
  };
}

/** Puts what `make` returns in the place of the packets chosen. */
export function substituting(where: Where, make: (passage: Passage) => readonly Uint8Array[]): Tampering {
  return (passage) => (where(passage) ? make(passage) : [passage.packet]);
}

/** Flips one bit of the packets chosen. */
export function corrupting(where: Where, at: (length: number) => number): Tampering {
  return substituting(where, ({ packet }) => {
    const bent = packet.slice();
    const place = at(bent.length);
    bent[place]! ^= 1;
    return [bent];
  });
}
