import { encodeUtf8, UsageError } from '@ckm/foundation';
import { REQUEST_KIND_NAMES, type RequestField, type RequestForm, requestKind } from '@ckm/requests';
import { optionInvalid } from '../command-line/option-values.js';
import { readInput } from '../terminal/read-input.js';
import { flagOf, keyOf } from './request-options.js';

/** What `ckm sign` was told, by option; every field of a request kind is one. */
export type RequestFlags = Readonly<Record<string, unknown>>;

export interface BuiltRequest {
  /** A request kind. */
  readonly kind: string;
  readonly payload: Uint8Array;
}

/** A field with what was said of it. */
interface Filled {
  readonly kind: string;
  readonly field: RequestField;
  /** The empty text where the field takes nothing. */
  readonly value: string;
}

/**
 * Reads what is to be signed and builds the request the servers will read.
 * @throws UsageError `SUBJECT_AMBIGUOUS`, `SUBJECT_MISSING`, `OPTION_INVALID`, `FILE_TOO_LARGE`; StorageError
 * `FILE_UNREADABLE`; EncodingError of the kind
 */
export async function buildRequest(file: string | undefined, flags: RequestFlags): Promise<BuiltRequest> {
  const filled = filledIn(flags);
  const contents = filled.filter(({ field }) => field.role === 'content');
  const count = contents.length + (file === undefined ? 0 : 1);
  if (count === 0) throw missing();
  if (count > 1) throw ambiguous();
  const [content] = contents;
  const chooser = chooserOf(filled);
  const kind = chooser?.kind ?? REQUEST_KIND_NAMES.find((name) => formOf(name).takesAnyContent)!;
  assertFilledFit(filled, kind, chooser);
  const { build, mostContentBytes } = formOf(kind);
  const bytes =
    content?.field.takes === 'text'
      ? encodeUtf8(content.value)
      : await readInput(content?.value ?? file!, mostContentBytes);
  const values = new Map(filled.map(({ field, value }) => [field.name, value]));
  return { kind, payload: build(bytes, values) };
}

/** Whether anything of a request is named. */
export function isRequestNamed(file: string | undefined, flags: RequestFlags): boolean {
  return file !== undefined || filledIn(flags).length > 0;
}

function formOf(kind: string): RequestForm {
  return requestKind(kind).form;
}

function filledIn(flags: RequestFlags): readonly Filled[] {
  return REQUEST_KIND_NAMES.flatMap((kind) =>
    formOf(kind).fields.flatMap((field) => {
      const value = flags[keyOf(field)];
      return value === undefined ? [] : [{ kind, field, value: typeof value === 'string' ? value : '' }];
    }),
  );
}

/** What says of which kind the request is; undefined: nothing does. */
function chooserOf(filled: readonly Filled[]): Filled | undefined {
  const own = filled.find(({ kind, field }) => field.role === 'content' && !formOf(kind).takesAnyContent);
  return own ?? filled.find(({ field }) => field.role === 'kind');
}

/** Flags that would do nothing are refused: somebody relies on them. @throws UsageError `OPTION_INVALID` */
function assertFilledFit(filled: readonly Filled[], kind: string, chooser: Filled | undefined): void {
  const idle = filled.find((one) => one.kind !== kind && one.field.role !== 'content');
  if (idle !== undefined) {
    const flag = flagOf(idle.field);
    if (chooser !== undefined) throw doesNothing(`${flag} has no meaning with ${flagOf(chooser.field)}`);
    const wanted = formOf(idle.kind).fields.find(({ role }) => role === 'content' || role === 'kind')!;
    throw doesNothing(`${flag} has no meaning without ${flagOf(wanted)}`);
  }
  for (const { field } of filled) {
    const other = filled.find((one) => one.field.name === field.excludes);
    if (other !== undefined)
      throw doesNothing(`${flagOf(field)} and ${flagOf(other.field)} say the contrary of one another`);
  }
}

function doesNothing(what: string): UsageError {
  return optionInvalid(what, 'leave one of them out');
}

/** The options that name what is to be signed, as a sentence lists them. */
function contentFlags(): string[] {
  return REQUEST_KIND_NAMES.flatMap((kind) => formOf(kind).fields)
    .filter(({ role }) => role === 'content')
    .map(flagOf);
}

function missing(): UsageError {
  const flags = contentFlags();
  return new UsageError('there is nothing to sign', {
    code: 'SUBJECT_MISSING',
    hint: `name a file, or use ${flags.slice(0, -1).join(', ')} or ${flags.at(-1)!}`,
  });
}

function ambiguous(): UsageError {
  return new UsageError('more than one thing to sign is named', {
    code: 'SUBJECT_AMBIGUOUS',
    hint: `name one of: a file, ${contentFlags().join(', ')}`,
  });
}
