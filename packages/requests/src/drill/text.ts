import { encodeUtf8 } from '@ckm/foundation';

/** First bytes of what a key of a drill signs; no message that is signed as it is may start with it. */
export const DRILL_PREFIX = 'CKM recovery drill v1\n';

/** The one text that a key of a drill ever signs. It says nothing that anybody could use. */
export function drillText(): Uint8Array {
  return encodeUtf8(
    `${DRILL_PREFIX}A server was made to forget its share of this key, and got it back from the others.\n`,
  );
}
