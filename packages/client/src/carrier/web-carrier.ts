import { fetchSend } from './fetch-send.js';
import { httpCarrier } from './http-carrier.js';

/** What carries messages where there is no Node. */
export const platformCarrier = httpCarrier(fetchSend);
