// What people who say yes cost: one vote, a request with three of five votes, terms of fifty rules, and ten thousand requests that wait.
import { createTermsJudge, judgeVote, parseVote, signVote } from '@ckm/api';
import { createApprover, httpCarrier, memoryStore } from '@ckm/client';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServers, warmUpBy } from './network.mjs';
import { figure, median, rivalsMs } from './report.mjs';

const NAMES = ['alpha', 'bravo', 'charlie'];
const PEOPLE = ['alice', 'bob', 'carol', 'dora', 'emil'];
const NEEDED = 3;
/** Each of five votes in three of five rounds, and a server takes twenty votes an hour of one person. */
const ROUNDS = 30;
const IN_TURNS = 150;
const WAITING = 10_000;
const AT_ONCE = 16;
const RULES = 50;
const POLICY = {
  kinds: ['message'],
  rateLimit: null,
  expiresAt: null,
  blindAllowed: true,
  approval: 'automatic',
};
const message = () => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'bench', bytes: randomBytes(48) }),
});

export async function peopleFigures(say) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-people-'));
  let network;
  try {
    say('votes and rules by themselves');
    const pure = [voteFigure(), rulesFigure()];
    network = await openServers(join(folder, 'few'));
    say('requests by keys with rules and without');
    const without = await withoutPeople(network.client);
    say(`${ROUNDS} requests with ${NEEDED} of ${PEOPLE.length} votes`);
    const voted = await withVotes(network.client);
    say(`${WAITING} requests that wait`);
    return [...pure, without, voted, await besideWaiting(folder, network)];
  } finally {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the bytes of a vote to the word that it counts. */
function voteFigure() {
  const now = Math.floor(Date.now() / 1000);
  const [keyId, matterId, termsHash, transcriptHash, payloadHash, tasksHash, serverId, descriptionHash] =
    Array.from({ length: 8 }, () => new Uint8Array(randomBytes(32)));
  const [bob, owner] = [1, 2].map(() => createIdentity(secret(new Uint8Array(randomBytes(32)))));
  const named = { matter: 'request', matterId, keyId, termsHash, requester: owner.xid, kind: 'message' };
  const statement = {
    ...named,
    v: 1,
    verdict: 'yes',
    serial: 1,
    approver: bob.xid,
    audience: [serverId],
    epoch: 0,
    transcriptHash,
    payloadHash,
    tasksHash,
    descriptionHash,
    reason: null,
    issuedAt: now,
    expiresAt: now + 3_600,
  };
  const bytes = signVote(bob, statement);
  const approver = (name, key) => ({ name, xid: randomBytes(32), keys: [{ kind: 'ed25519', key }] });
  const approvers = [
    ...PEOPLE.slice(1).map((name) => approver(name, new Uint8Array(randomBytes(32)))),
    { ...approver('bob', bob.publicKeys.signing.bytes), xid: bob.xid },
  ];
  const ballot = { ...named, payloadHash, tasksHash, serverId, expiresAt: now + 86_400 };
  const polling = { ballot, approvers, without: [], moment: { now, maxSkewSeconds: 60 } };
  const judge = () => {
    const fault = judgeVote(parseVote(bytes), polling, () => false);
    if (fault !== null) throw new Error(`the vote of the bench does not count: ${fault}`);
  };
  const pair = generateKeyPairSync('ed25519');
  const signature = sign(null, bytes, pair.privateKey);
  const [ours, theirs] = rivalsMs(500, judge, () => verify(null, bytes, pair.publicKey, signature));
  return figure({
    name: 'a vote, from its bytes to whether it counts',
    ours,
    unit: 'ms',
    peer: 'one Ed25519 signature checked by OpenSSL',
    peerValue: theirs,
    ratio: theirs / ours,
    goal: '≤ 1.5 ms',
    met: ours <= 1.5,
  });
}

/** Every rule is looked at, and every one fits in the end. */
function rulesFigure() {
  const rule = (at) => ({
    when: {
      all: [{ fact: 'value', above: at }, { any: [{ total: 'value', within: 86_400, atMost: 1e12 }] }],
    },
    needed: 1,
    of: PEOPLE,
  });
  const asked = {
    facts: { value: 1_000 },
    before: () => 5,
    votes: { yes: new Set(PEOPLE.slice(0, 3)), no: new Set() },
  };
  const many = createTermsJudge({ approvals: Array.from({ length: RULES }, (_, at) => rule(at)) });
  const one = createTermsJudge({ approvals: [rule(0)] });
  for (const judge of [many, one])
    if (judge.judge(asked).verdict !== 'yes') throw new Error('the rules of the bench are not met');
  const [ours, theirs] = rivalsMs(
    2_000,
    () => many.judge(asked),
    () => one.judge(asked),
  );
  return figure({
    name: `terms of ${RULES} rules, a request judged`,
    ours,
    unit: 'ms',
    peer: 'terms of one rule',
    peerValue: theirs,
    ratio: theirs / ours,
    goal: '≤ 0.2 ms',
    met: ours <= 0.2,
  });
}

const keyOf = (client, name, more) =>
  client.createKey({
    name,
    purpose: 'message',
    suite: 'secp256k1-tr',
    quorum: { needed: 2, of: 3 },
    servers: NAMES,
    ...more,
  });

const signBy = (client, key) => client.sign({ key, ...message() });

/** A key whose terms have rules and ask nobody, beside one that has none. */
async function withoutPeople(client) {
  const change = { needed: 0, of: [], delaySeconds: 259_200, words: null };
  const approvals = [{ when: { all: [] }, needed: 0, of: [] }];
  await keyOf(client, 'ruled', { terms: { ...POLICY, approvals, change } });
  await keyOf(client, 'plain', { policy: POLICY });
  await warmUpBy(client, 500);
  const [plain, ruled] = await inTurns([() => signBy(client, 'plain'), () => signBy(client, 'ruled')]);
  return figure({
    name: 'one signature by a key with rules that ask nobody',
    ours: ruled,
    unit: 'ms',
    peer: 'by one without rules, in turns',
    peerValue: plain,
    ratio: plain / ruled,
    goal: 'not slower (≥ 0.97×)',
    met: plain / ruled >= 0.97,
  });
}

async function inTurns(deeds) {
  const times = deeds.map(() => []);
  for (let round = 0; round < IN_TURNS; round++) {
    for (const [at, deed] of deeds.entries()) {
      const begun = performance.now();
      await deed();
      times[at].push(performance.now() - begun);
    }
  }
  return times.map(median);
}

/** From the last vote, which servers have, to the signature; beside the same without votes. */
async function withVotes(client) {
  const people = await boardOf(client);
  const [voted, plain] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    voted.push(await signAfterVotes(client, rotated(people, round)));
    const begun = performance.now();
    await signBy(client, 'plain');
    plain.push(performance.now() - begun);
  }
  const [ours, theirs] = [median(voted), median(plain)];
  return figure({
    name: `a signature after the last of ${NEEDED} of ${PEOPLE.length} votes`,
    ours,
    unit: 'ms',
    peer: 'a signature that asks nobody, in turns',
    peerValue: theirs,
    ratio: theirs / ours,
    goal: '≤ 25 ms',
    met: ours <= 25,
  });
}

/** A key that asks three of five people whatever it does. @returns those people */
async function boardOf(client) {
  const people = await invite(client);
  const terms = {
    ...POLICY,
    approvers: PEOPLE,
    approvals: [{ when: { all: [] }, needed: NEEDED, of: PEOPLE }],
    change: { needed: NEEDED, of: PEOPLE, delaySeconds: 259_200, words: null },
  };
  await keyOf(client, 'board', { terms });
  return people;
}

const rotated = (people, round) =>
  Array.from({ length: NEEDED }, (_, at) => people[(round * NEEDED + at) % people.length]);

async function signAfterVotes(client, voters) {
  const id = await waiting(client, 'board');
  for (const voter of voters) {
    const { at } = await voter.say(await voter.look(id), 'yes');
    if (at.length !== NAMES.length) throw new Error('a vote of the bench was not taken everywhere');
  }
  const prepared = await client.prepareAgain(id);
  const begun = performance.now();
  await prepared.sign();
  return performance.now() - begun;
}

/** Asks, and leaves the request waiting. @returns its id */
async function waiting(client, key) {
  const prepared = await client.prepare({ key, ...message(), waitSeconds: 0 });
  const failure = await prepared.sign().then(
    () => null,
    (error) => error,
  );
  if (failure?.code !== 'REQUEST_WAITING') throw failure ?? new Error('the key of the bench asked nobody');
  return failure.facts.session;
}

async function invite(client) {
  const people = [];
  for (const [at, name] of PEOPLE.entries()) {
    const approver = createApprover({
      secret: secret(new Uint8Array(randomBytes(32))),
      store: memoryStore(),
      carrier: httpCarrier(sendFrom(`127.0.0.${at + 2}`)),
    });
    const { text } = await client.inviteApprover({ key: 'board', name, servers: NAMES });
    await client.takeAnswer((await approver.join(text)).answer.text);
    people.push(approver);
  }
  return people;
}

/** Each person has an address of his own, as a server counts what comes from one. */
function sendFrom(localAddress) {
  return (url, { method, path, body, route, timeoutMs }) =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...(route === undefined ? {} : { 'CKM-Route': route }),
      };
      const sending = request(
        `${url}${path}`,
        { method, headers, localAddress, timeout: timeoutMs },
        (reply) => {
          const parts = [];
          reply.on('data', (part) => parts.push(part));
          reply.on('end', () =>
            resolve({
              status: reply.statusCode,
              contentType: reply.headers['content-type'] ?? '',
              body: new Uint8Array(Buffer.concat(parts)),
            }),
          );
        },
      );
      sending.once('error', reject);
      sending.end(body);
    });
}

/** A signature by a key that asks nobody, at three servers where ten thousand requests wait for people and at three where none does. */
async function besideWaiting(folder, few) {
  const many = await openServers(join(folder, 'many'));
  try {
    await boardOf(many.client);
    let left = WAITING;
    const worker = async () => {
      while (left-- > 0) await waiting(many.client, 'board');
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    for (const { client } of [few, many]) {
      await keyOf(client, 'beside', { policy: POLICY });
      await warmUpBy(client, 300);
    }
    const [ours, theirs] = await inTurns(
      [many, few].map(
        ({ client }) =>
          () =>
            signBy(client, 'beside'),
      ),
    );
    return figure({
      name: `one signature while ${WAITING} requests wait for people`,
      ours,
      unit: 'ms',
      peer: 'the same where none waits, in turns',
      peerValue: theirs,
      ratio: theirs / ours,
      goal: 'not slower (≥ 0.9×)',
      met: theirs / ours >= 0.9,
    });
  } finally {
    await many.close();
  }
}
