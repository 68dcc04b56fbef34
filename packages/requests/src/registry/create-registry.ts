import { UsageError } from '@ckm/foundation';
import type { SuiteName } from '@ckm/threshold';
import { KIND_FACT } from '../facts.js';
import { hexForm } from '../public-form.js';
import type { KeyContext, ParsedRequest, PublicForm, RequestKind, RequestKindFacts } from '../kind.js';

/** A kind as it is known by name alone: what it says of itself, and how its requests are read. */
export interface KnownKind extends RequestKindFacts {
  /** @throws EncodingError whose code is one of `REQUEST_ERRORS`; never anything else. */
  parse(payload: Uint8Array): ParsedRequest;
}

/** Kinds by name, and what a key can be made for: each kind, by its name, is a purpose of keys. */
export interface KindRegistry {
  readonly names: readonly string[];
  /** The kind of that name. @throws UsageError `REQUEST_KIND_UNKNOWN` */
  kind(name: string): KnownKind;
  /** The kinds of request a key of this purpose answers to. @throws UsageError `PURPOSE_UNKNOWN` */
  purposeKinds(purpose: string): readonly string[];
  /** The suite a key of this purpose is made with unless told. @throws UsageError `PURPOSE_UNKNOWN` */
  purposeSuite(purpose: string): SuiteName;
  /** Whether a key of this purpose is used through children of it. @throws UsageError `PURPOSE_UNKNOWN` */
  purposeUsesChildren(purpose: string): boolean;
  /** Whether what a key of this purpose gives is secret. @throws UsageError `PURPOSE_UNKNOWN` */
  purposeGivesSecrets(purpose: string): boolean;
  /** The public half of a key in the form of its purpose; of one that nobody knows, in hex. */
  publicForm(key: KeyContext): PublicForm;
}

/** A request keeps what was parsed to itself: nothing that only looks like it is ever described or signed. */
export function knownKind<T>({
  parse,
  describe,
  doubts,
  tasks,
  finish,
  verify,
  details,
  spends,
  facts,
  ...said
}: RequestKind<T>): KnownKind {
  return Object.freeze({
    ...said,
    factTypes: { ...said.factTypes, ...KIND_FACT },
    parse(payload: Uint8Array): ParsedRequest {
      const typed = parse(payload);
      return Object.freeze<ParsedRequest>({
        kind: said.name,
        describe: (key) => describe(typed, key),
        doubts: (key) => doubts?.(typed, key) ?? [],
        tasks: (key) => tasks(typed, key),
        finish: (key, results) => finish(typed, key, results),
        verify: (key, artefact) => verify(typed, key, artefact),
        details: (key) => details?.(typed, key) ?? null,
        spends: (key) => spends?.(typed, key) ?? null,
        facts: (key) => ({ ...facts(typed, key), kind: [said.name] }),
      });
    },
  });
}

/** @param unoffered kinds that are found by their name, and named to nobody who chooses one */
export function createRegistry(
  offered: readonly KnownKind[],
  unoffered: readonly KnownKind[] = [],
): KindRegistry {
  const kinds = [...offered, ...unoffered];
  const byName = new Map(kinds.map((kind) => [kind.name, kind]));
  const names = offered.map(({ name }) => name);
  const madeFor = (purpose: string): KnownKind => {
    const kind = byName.get(purpose);
    if (kind !== undefined) return kind;
    throw new UsageError('no key is made for this purpose', {
      code: 'PURPOSE_UNKNOWN',
      hint: `use one of ${names.join(', ')}`,
    });
  };
  const kindsFor = (purpose: string): readonly KnownKind[] => {
    const own = madeFor(purpose);
    return kinds.filter((kind) => kind === own || kind.alsoFor.includes(purpose));
  };
  return {
    names,
    kind: (name) => {
      const kind = byName.get(name);
      if (kind !== undefined) return kind;
      throw new UsageError('there is no request of this kind', {
        code: 'REQUEST_KIND_UNKNOWN',
        hint: `use one of ${names.join(', ')}`,
      });
    },
    purposeKinds: (purpose) => kindsFor(purpose).map(({ name }) => name),
    purposeUsesChildren: (purpose) => kindsFor(purpose).some(({ usesChildren }) => usesChildren === true),
    purposeGivesSecrets: (purpose) => kindsFor(purpose).some(({ resultIsSecret }) => resultIsSecret === true),
    purposeSuite: (purpose) => madeFor(purpose).suites[0],
    publicForm: (key) => byName.get(key.purpose)?.publicForm(key) ?? hexForm(key),
  };
}
