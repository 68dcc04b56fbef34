/**
 * What counts as one address for a limit: an IPv4 address, or the /64 of an IPv6 one, which a single customer holds.
 * @param forwarded the header `X-Forwarded-For`, when a proxy is trusted: its last entry is the one that proxy saw.
 */
export function addressGroup(remote: string | undefined, forwarded: string | undefined): string {
  const last = forwarded?.split(',').at(-1)?.trim();
  const address = (last === undefined || last === '' ? remote : last) ?? 'unknown';
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain.slice(0, 64);
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - before.length - (tail === '' ? 0 : tail.split(':').length);
  const groups = [
    ...before,
    ...Array.from({ length: Math.max(missing, 0) }, () => '0'),
    ...(tail ?? '').split(':'),
  ];
  return groups.slice(0, 4).join(':').slice(0, 64);
}

/** Whether somebody on this machine asks. */
export function isLocal(remote: string | undefined): boolean {
  return remote !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(remote);
}
