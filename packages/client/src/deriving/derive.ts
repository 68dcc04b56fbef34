import { type PolicyError, type Secret, secret } from '@ckm/foundation';
import { buildDeriveRequest, DERIVE, type Description, parseLabel } from '@ckm/requests';
import type { OnProgress } from '../progress/progress.js';
import type { PreparedRequest, SignArgs, SignOptions, SignResult } from '../signing/sign-args.js';

export interface DeriveArgs extends Pick<SignArgs, 'key' | 'without' | 'expiresInSeconds' | 'waitSeconds'> {
  /** As in `backup/nas`: 1 to 16 words between slashes. Each server sees it. */
  readonly label: string;
}

/** A secret, and who gave their parts of it. */
export interface Derived extends Pick<SignResult, 'signers' | 'faulty' | 'silent' | 'silences' | 'refused'> {
  /** 32 bytes, the same each time. Whoever asked wipes it: it is written nowhere here. */
  readonly secret: Secret<Uint8Array>;
}

/** A derivation before anybody is asked. */
export interface PreparedDerivation extends Pick<PreparedRequest, 'asks' | 'needed' | 'policy'> {
  readonly description: Description;
  /** Why no server may do it, by the certified policy; then `derive` asks nobody and throws it. */
  readonly refusal: PolicyError | null;
  derive(on?: OnProgress, options?: SignOptions): Promise<Derived>;
}

/**
 * Reads a label for a key and says what will be handed out. Nothing is sent or written.
 * @throws EncodingError `LABEL_INVALID`; PolicyError `REQUEST_KIND_NOT_FOR_KEY`
 */
export async function prepareDerivation(
  prepare: (args: SignArgs) => Promise<PreparedRequest>,
  { label, ...args }: DeriveArgs,
): Promise<PreparedDerivation> {
  const payload = buildDeriveRequest(parseLabel(label));
  const ask = () => prepare({ ...args, kind: DERIVE, payload });
  const { sign, ...prepared } = await ask();
  // A request gives one result, which belongs to whoever asked and is wiped by him: each call has a request of its own.
  let first: PreparedRequest['sign'] | null = sign;
  return {
    ...prepared,
    async derive(on, options) {
      const own = first ?? (await ask()).sign;
      first = null;
      const { artefact, signers, faulty, silent, silences, refused } = await own(on, options);
      return { secret: secret(artefact), signers, faulty, silent, silences, refused };
    },
  };
}
