import { MAJOR, taggedValue } from '../cbor/dcbor.js';
import { TAG } from '../cbor/tags.js';
import { leaf, type Envelope } from '../envelope/envelope.js';
import { taggedLeafContent } from '../envelope/queries.js';

/** Whether a text is a URI with a scheme, without spaces and control characters, which the reference cuts off in silence. */
function isUri(text: string): boolean {
  return /^[^\s\p{C}]+$/u.test(text) && URL.canParse(text);
}

/** The leaf of a URI, or `null` when the text is none. Source: bc-components-rust, src/id/uri.rs. */
export function uriLeaf(text: string): Envelope | null {
  return isUri(text) ? leaf(taggedValue(TAG.uri, text)) : null;
}

/**
 * The URI in a leaf, or `null` when the text in it is none.
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED`
 */
export function uriFrom(envelope: Envelope): string | null {
  const content = taggedLeafContent(envelope, TAG.uri);
  return content.type === MAJOR.text && isUri(content.value) ? content.value : null;
}
