/** What carries messages where there is no Node. */
export { fetchTransport as platformTransport } from './fetch-transport.js';
