/**
 * Whether a host, as a URL names it, is this machine itself: no web proxy is asked for it.
 * Source: RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3
 */
export function isThisMachine(hostname: string): boolean {
  return /^(?:(?:.*\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?$/i.test(hostname);
}
