/**
 * How each command is typed, without `ckm` in front: shown at the end of its help. A test has the parser read each of them.
 * Keys are notes, treasury and laptop, servers alpha, bravo and charlie, and `srv/alpha` is the folder of one that you run.
 */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: ['init', 'init --unlock 30m'],
  'seed backup': ['seed backup', 'seed backup --out words.txt'],
  'seed passphrase': ['seed passphrase'],
  'seed restore': ['seed restore --sheet sheet.txt', 'seed restore --new-passphrase'],
  'seed verify': ['seed verify', 'seed verify words.txt'],
  'seed forget': ['seed forget', 'seed forget --name laptop --from words.txt'],
  'device list': ['device list'],
  'device join': ['device join --offer-out phone.offer', 'device join --welcome phone.welcome'],
  'device add': ['device add phone.offer --may manage --welcome-out phone.welcome'],
  'device remove': ['device remove laptop', 'device remove laptop --words'],
  'device rename': ['device rename laptop old-laptop'],
  unlock: ['unlock --for 30m'],
  lock: ['lock'],

  'server add': [
    'server add alpha https://alpha.example',
    'server add alpha https://alpha.example --invite-file code',
  ],
  'server list': ['server list'],
  'server show': ['server show alpha'],
  'server remove': ['server remove alpha'],
  'server init': ['server init srv/alpha --name alpha --listen 127.0.0.1:8470 --url https://alpha.example'],
  'server start': ['server start srv/alpha'],
  'server status': ['server status srv/alpha'],
  'server stop': ['server stop srv/alpha'],
  'server unseal': ['server unseal srv/alpha'],
  'server passphrase': ['server passphrase srv/alpha'],
  'server rotate-key': ['server rotate-key srv/alpha'],
  'server config check': ['server config check srv/alpha'],
  'server config show': ['server config show srv/alpha'],
  'server requests': ['server requests srv/alpha'],
  'server approve': ['server approve srv/alpha 37e6a4f5'],
  'server reject': ['server reject srv/alpha 37e6a4f5 --reason "call me first"'],
  'server keys': ['server keys srv/alpha'],
  'server audit show': ['server audit show srv/alpha'],
  'server audit verify': ['server audit verify srv/alpha'],
  'server accounts list': ['server accounts list srv/alpha'],
  'server accounts suspend': ['server accounts suspend srv/alpha 3c487cfe'],
  'server accounts resume': ['server accounts resume srv/alpha 3c487cfe'],
  'server invite create': ['server invite create srv/alpha'],
  'server invite list': ['server invite list srv/alpha'],
  'server invite revoke': ['server invite revoke srv/alpha 5d9a0c11'],
  'server outbox list': ['server outbox list srv/alpha'],
  'server outbox retry': ['server outbox retry srv/alpha'],
  'server policy show': ['server policy show srv/alpha 1f0c99a2'],
  'server policy tighten': ['server policy tighten srv/alpha 1f0c99a2 --rate 1/1h'],
  'server policy loosen': ['server policy loosen srv/alpha 1f0c99a2 --rate any'],
  'server policy thaw': ['server policy thaw srv/alpha 1f0c99a2'],
  'server policy release': ['server policy release srv/alpha 1f0c99a2'],
  'server backup': ['server backup srv/alpha alpha.backup --passphrase-file backup-passphrase'],
  'server backups-destroyed': ['server backups-destroyed srv/alpha --before 2026-11-30'],
  'server drill': ['server drill srv/alpha --backup alpha.backup'],
  'server restore': ['server restore alpha.backup srv/alpha-again'],
  'server move': ['server move srv/alpha --to postgres'],

  'key create': [
    'key create notes',
    'key create treasury --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie',
  ],
  'key import': [
    'key import savings --from words.txt --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie',
  ],
  'key compare': ['key compare notes', 'key compare notes --answer same'],
  'key list': ['key list'],
  'key show': ['key show notes', 'key show laptop --public'],
  'key fetch': ['key fetch'],
  'key rename': ['key rename notes letters'],
  'key forget': ['key forget notes'],
  'key verify': ['key verify notes'],
  'key add-server': ['key add-server notes delta'],
  'key remove-server': ['key remove-server notes charlie'],
  'key requorum': ['key requorum notes --quorum 3of5 --servers alpha,bravo,charlie,delta,echo'],
  'key refresh': ['key refresh notes', 'key refresh --all'],
  'key settle': ['key settle notes'],
  'key check': ['key check notes', 'key check --all --due'],
  'key restore': ['key restore notes'],
  'key repair': ['key repair notes --server bravo'],
  'key export': ['key export notes --to notes.key'],

  freeze: ['freeze notes', 'freeze --all --for 24h'],
  thaw: ['thaw notes'],
  'drill restore': ['drill restore notes --lost bravo'],
  'drill clear': ['drill clear'],
  address: ['address treasury --note "rent, June"', 'address treasury --list'],
  sign: [
    'sign notes --message hello',
    'sign notes report.pdf --out report.sig',
    'sign treasury --psbt payment.psbt --out signed.psbt',
  ],
  verify: ['verify report.sig report.pdf --key notes'],
  'requests list': ['requests', 'requests list --open'],
  'requests show': ['requests show 37e6a4f5'],
  'requests resume': ['requests resume'],
  'requests cancel': ['requests cancel 37e6a4f5'],
  'sessions list': ['sessions', 'sessions list --open'],
  'sessions show': ['sessions show 6736577f'],
  'sessions resume': ['sessions resume'],
  'sessions cancel': ['sessions cancel 6736577f'],
  status: ['status'],
  doctor: ['doctor'],
  'ssh-agent': ['ssh-agent', 'ssh-agent -- ssh alice@host.example'],
  'git-sign': ['git-sign -Y sign -n git -f laptop.pub commit.txt'],
  sheet: ['sheet --html --out sheet.html'],
  'config where': ['config where'],
  completion: ['completion bash'],
  explain: ['explain', 'explain INPUT_NEEDED'],
};

/** Those of one command, as they are typed. @param words that lead to it */
export function examplesOf(words: readonly string[]): readonly string[] {
  return (EXAMPLES[words.join(' ')] ?? []).map((line) => `ckm ${line}`);
}

/** What its help says of them; empty: nothing. */
export function exampleHelp(words: readonly string[]): string {
  const lines = examplesOf(words).map((line) => `  ${line}`);
  return lines.length === 0 ? '' : ['', 'Examples:', ...lines].join('\n');
}
