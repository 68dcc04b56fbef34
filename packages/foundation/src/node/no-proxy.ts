/**
 * Whether `NO_PROXY` names an address: `*`; a host, with its port or without; `.example` or `*.example` for all that is
 * below it; `10.0.0.1-10.0.0.9` for IPv4 addresses in a row. Commas stand between them. These are the rules of Node's newest
 * agents; which of them an older Node has depends on its version, so none is asked.
 */
export function isLeftOut({ protocol, hostname, port }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  const withPort = `${host}:${port || (protocol === 'https:' ? '443' : '80')}`;
  return noProxy
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .some(
      (entry) =>
        entry === '*' || entry === host || entry === withPort || isBelow(host, entry) || isInRow(host, entry),
    );
}

/** `*.example` is what stands below it, `.example` the name itself besides, as with curl. */
function isBelow(host: string, entry: string): boolean {
  if (entry.startsWith('*.')) return host.endsWith(entry.slice(1));
  return entry.startsWith('.') && `.${host}`.endsWith(entry);
}

function isInRow(host: string, entry: string): boolean {
  const { isIPv4 } = process.getBuiltinModule('node:net');
  const [first = '', last = ''] = entry.split('-').map((end) => end.trim());
  if (![host, first, last].every(isIPv4)) return false;
  return numberOf(first) <= numberOf(host) && numberOf(host) <= numberOf(last);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}
