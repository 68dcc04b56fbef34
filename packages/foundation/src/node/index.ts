/** What several packages need of Node alone: which web proxy leads to an address, and requests that go through it. */
export { type WebProxy, webProxyFor } from './web-proxy.js';
export { agentFor, openRequest } from './web-request.js';
