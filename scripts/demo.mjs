// Operators, one owner, two keys that no one holds, and the outside world’s opinion of what they sign.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPaid, preparePayment } from './demo/bitcoin.mjs';
import { agree, orderChange } from './demo/change.mjs';
import { makeRepository } from './demo/git.mjs';
import { letIn, takeOut, tryStolen } from './demo/lost-laptop.mjs';
import { hasSshd, logIn, startAgent, startSshd } from './demo/login.mjs';
import { operator, owner } from './demo/programs.mjs';
import { initServer, killServer, startServer, stopServer } from './demo/servers.mjs';
import { act, elapsed, heading, tell } from './demo/stage.mjs';

const NAMES = ['alpha', 'bravo', 'charlie'];
const MORE = ['delta', 'echo'];
const folder = mkdtempSync(join(tmpdir(), 'ckm-demo-'));
const servers = [];
const running = [];
const summary = [];

async function play() {
  const alice = owner(folder);
  await act('Three operators set up a Secret Server each', async () => {
    for (const name of NAMES) tell(await setUp(name));
    tell('three processes, three databases; none knows the others');
  });
  await act('Alice makes an owner seed and pins the servers', async () => {
    writeFileSync(join(folder, 'passphrase'), `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
    await alice.talk('init');
    for (const { name, url } of servers) tell((await alice.talk('server', 'add', name, url)).stdout);
    tell('each server knows her under another name');
  });
  const treasury = await makeKey(alice, 'treasury', 'bitcoin', '--change-delay', '0');
  const laptop = await makeKey(alice, 'laptop', 'ssh');
  await shares([treasury, laptop]);
  await payment(alice);
  const git = await makeRepository(folder, laptop.public.value, alice.env);
  await commit(git);
  await login(alice, laptop);
  const bravo = servers[1];
  await act('bravo is killed (SIGKILL), and the next payment is signed all the same', async () => {
    await killServer(bravo);
    tell(await pay(alice));
    summary.push(['bravo killed', 'the other two signed on']);
  });
  await act('bravo comes back, with the share it had', async () => {
    tell(await startServer(bravo));
    const { stdout } = await alice.talk('key', 'verify', 'treasury');
    tell(stdout);
    tell(await pay(alice, '--without', 'charlie'));
    summary.push(['bravo restarted', 'signed again, without charlie']);
  });
  await moreServers(alice);
  await lostLaptop(alice);
  await auditLogs();
  heading('What you saw');
  for (const [what, result] of summary) tell(`${what.padEnd(26)} ${result}`);
  heading(`Done in ${elapsed()}. Next: README.md, docs/concepts.md, docs/operating.md.`);
}

async function setUp(name) {
  const server = await initServer(folder, name);
  servers.push(server);
  return startServer(server);
}

function makeKey(alice, name, purpose, ...rules) {
  return act(
    `The three generate ${name}, a key for ${purpose}, together: any 2 of 3 can use it`,
    async () => {
      const made = await alice.talk(
        'key',
        'create',
        name,
        '--for',
        purpose,
        '--quorum',
        '2of3',
        '--servers',
        NAMES.join(','),
        ...rules,
      );
      tell(made.stdout);
      summary.push([`key ${name}`, `generated 2 of 3, certified by all three servers`]);
      return alice.json('key', 'show', name);
    },
  );
}

/** What the three operators see of the keys, held against what their owner sees. */
async function shares(keys) {
  await act('Each operator sees one share of each key, under the likeness that Alice sees', async () => {
    const slots = keys.map(() => new Set());
    for (const { name, dataDir } of servers) {
      const listed = JSON.parse((await operator('server', 'keys', dataDir, '--json')).stdout);
      const held = keys.map(({ keyId }) => listed.filter((one) => one.keyId === keyId));
      for (const [at, { name: key, likeness }] of keys.entries()) {
        const [share, ...more] = held[at];
        if (share === undefined || more.length > 0)
          throw new Error(`${name} does not hold one share of ${key}`);
        if (share.likeness.words !== likeness.words)
          throw new Error(`${name} sees another likeness of ${key}`);
        slots[at].add(share.slot);
      }
      tell(
        `${name}: ${held.map(([{ slot }], at) => `the share of slot ${slot} of ${keys[at].name}`).join(', ')}`,
      );
    }
    if (slots.some(({ size }) => size !== servers.length)) throw new Error('two servers hold one share');
    summary.push(['shares', 'one at each server, none at two of them; likeness as Alice sees it']);
  });
}

async function payment(alice) {
  await act('A payment is signed by two of three', async () => {
    tell(await pay(alice));
    summary.push(['Bitcoin payment', 'signature checked by noble over the sighash of @scure/btc-signer']);
  });
}

async function moreServers(alice) {
  const names = [...NAMES, ...MORE];
  const receive = await alice.json('address', 'treasury');
  const words = await act('Two more operators join, and Alice orders treasury to become 3 of 5', async () => {
    tell(await payFrom(alice, receive));
    for (const name of MORE) tell(await setUp(name));
    for (const { name, url } of servers.slice(NAMES.length)) await alice.talk('server', 'add', name, url);
    const ordered = await orderChange(alice, 'treasury', '3of5', names);
    tell('nothing changes before every operator has typed six words that Alice reads to them:');
    tell(ordered);
    tell(await payFrom(alice, receive));
    return ordered;
  });
  await act(
    'Five operators type the words; the shares are dealt anew, and no key is ever in one place',
    async () => {
      for (const server of servers) await agree(server, words);
      tell((await alice.talk('sessions', 'resume')).stdout);
      const after = await alice.json('address', 'treasury', '--index', String(receive.index));
      if (after.address !== receive.address) throw new Error('the address is another one');
      tell(`the address is still ${receive.address}`);
      tell(await payFrom(alice, receive, '--without', 'alpha'));
      summary.push([
        'treasury, 2 of 3 to 3 of 5',
        'same address; a coin of it paid before, during and after',
      ]);
    },
  );
}

async function lostLaptop(laptop) {
  const drawer = owner(folder, 'drawer');
  await act('Alice lets the machine in her drawer in, and her words leave the laptop', async () => {
    tell(await letIn(folder, laptop, drawer));
  });
  await act('The laptop is lost: she removes it from the machine in her drawer, and goes on', async () => {
    tell(await takeOut(drawer));
    const receive = await drawer.json('address', 'treasury');
    const { file } = await paymentFile(drawer, receive);
    tell(`whoever has it is told: ${await tryStolen(laptop, 'treasury', file)}`);
    tell(await payFrom(drawer, receive));
    summary.push(['laptop lost', 'no server answers it; the next payment came from her other machine']);
  });
}

/** Prepares, signs, extracts and checks a payment; answers with what Alice was shown. */
async function pay(alice, ...more) {
  return payFrom(alice, await alice.json('address', 'treasury'), ...more);
}

/** A payment out of a coin of that address, as a file. */
async function paymentFile(alice, receive) {
  const change = await alice.json('address', 'treasury', '--change');
  const { psbt, coin } = preparePayment(receive, change);
  const file = join(folder, `payment-${randomBytes(4).toString('hex')}.psbt`);
  writeFileSync(file, psbt);
  return { file, coin };
}

async function payFrom(alice, receive, ...more) {
  const { file, coin } = await paymentFile(alice, receive);
  const signed = await alice.json('sign', 'treasury', '--psbt', file, ...more);
  if (!isPaid(signed.transaction, coin)) throw new Error('the payment’s signature does not verify');
  return [
    signed.sentence,
    `signed by ${signed.signers.join(' and ')}`,
    `transaction ${signed.txid.slice(0, 16)}… (${signed.virtualBytes} vB), BIP-340 signature valid`,
  ].join('\n');
}

async function commit(git) {
  await act('git signs a commit with laptop, and git itself verifies it', async () => {
    await git('commit', '--quiet', '-S', '-m', 'Release what no one can sign alone');
    const { stderr } = await git('verify-commit', 'HEAD');
    tell(stderr);
    summary.push(['git commit', 'git verify-commit: good']);
  });
}

async function login(alice, laptop) {
  if (!hasSshd) {
    summary.push(['SSH log-in', 'skipped: no sshd on this machine (install openssh-server)']);
    return;
  }
  await act('ssh logs in to a throw-away sshd through the quorum’s agent', async () => {
    const sshd = await startSshd(folder, laptop.public.value);
    running.push(sshd);
    const agent = await startAgent(folder, 'laptop', alice.env);
    running.push(agent);
    tell(`ssh says: ${await logIn(sshd, agent.socket)}`);
    summary.push(['SSH log-in', 'OpenSSH accepted the quorum’s key']);
  });
}

async function auditLogs() {
  await act('Every operator’s audit log is complete and unchanged', async () => {
    for (const { name, dataDir } of servers) {
      const { stdout } = await operator('server', 'audit', 'verify', dataDir);
      tell(`${name}: ${stdout.trim().split('\n')[0]}`);
    }
    const { stdout } = await operator('server', 'audit', 'show', servers[0].dataDir);
    tell(stdout.trim().split('\n').slice(-3).join('\n'));
    summary.push(['audit logs', 'every hash chain verified']);
  });
}

async function tidy() {
  for (const each of running.reverse()) await each.stop();
  for (const server of servers) await stopServer(server);
  rmSync(folder, { recursive: true, force: true });
}

try {
  await play();
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await tidy();
}
