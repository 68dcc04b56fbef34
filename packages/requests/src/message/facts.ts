import type { Facts, FactTypes } from '../facts.js';
import type { MessageRequest } from './parse.js';

export const MESSAGE_FACTS: FactTypes = { domain: { is: 'text', noun: 'domain' } };

/** `domain`: the empty text where there is none. */
export function messageFacts({ domain }: MessageRequest): Facts {
  return { domain: [domain] };
}
