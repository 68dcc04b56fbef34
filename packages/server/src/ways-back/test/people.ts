import {
  type CaseView,
  COMMON_TOTP,
  type ContactKind,
  deviceId,
  deviceKey,
  DEVICE_PRIVILEGES,
  devicesBehind,
  type DevicesDocument,
  type DevicesPlace,
  type DevicesView,
  encodeVouchRequest,
  firstDevices,
  nextDevices,
  type Parameters,
  signDevices,
  signVoucher,
  totpOf,
  type Vouched,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, formatWords, type Identity, likenessOf } from '@ckm/gordian';
import type { Outgoing } from '../../context.js';
import {
  type BareCaller,
  type BareOptions,
  type BareServer,
  TEST_TIME,
} from '../../sessions/test/bare-server.js';
import { alice, createBareServers } from '../../sessions/test/bare-servers.js';
import { person, random } from '../../test/rooms.js';

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
/** Between one sweep and the next: no longer than what counts. */
const STEP = 1_200;

/** A device of Alice’s, always the same for the same number. */
export const deviceOf = (byte: number): Identity =>
  createIdentity(secret(new Uint8Array(32).fill(byte)), alice.xid);

/** Mail that a server may send; nothing listens there. */
export const MAIL = { mail: { host: '127.0.0.1', port: 1, tls: 'none', from: 'ckm@example.org' } } as const;
const network = createBareServers();
export const closeServers = (): Promise<void> => network.close();

/** Alice at one server whose time passes while it runs, and whoever wants her account. */
export async function openWaysBack(options: Partial<BareOptions> = {}) {
  let now = TEST_TIME;
  const sent: Outgoing[] = [];
  let server: BareServer = await network.open({ now: () => now, settings: MAIL, sent, ...options });
  let words = await server.as(alice);
  const first = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const world = {
    owner: alice,
    sent,
    get server() {
      return server;
    },
    get now() {
      return now;
    },
    words: (): BareCaller => words,
    device: (who: Identity): BareCaller => server.asDevice(who),
    stranger: (who: Identity): BareCaller => server.asStranger(who),
    list: async (): Promise<DevicesDocument> => {
      let list = first;
      for (let after: DevicesPlace | null = null; ;) {
        const shown: DevicesView = await words.call('device.show', { after });
        list = devicesBehind(list, shown.links);
        if (shown.next === null) return list;
        after = shown.next;
      }
    },
    /** The words have a list of these devices, which may do everything. */
    have: async (...who: readonly Identity[]) => {
      const before = await world.list();
      const keys = who.map(({ publicKeys }) => deviceKey(publicKeys, DEVICE_PRIVILEGES));
      const raises = before.keys.length > 0;
      const list = nextDevices(before, keys, deviceId(alice.publicKeys), raises);
      await words.call('device.update', { documents: [signDevices(list, alice)] });
    },
    pass: async (seconds: number) => {
      for (let left = seconds; left > 0; left -= STEP) {
        now += Math.min(STEP, left);
        await server.sessions.sweep();
      }
    },
    /** The server is off for so long, or its clock is set on. */
    off: async (seconds: number, changes: Partial<BareOptions> = {}) => {
      now += seconds;
      server = await network.restart(server, changes);
      words = await server.as(alice);
      await server.sessions.sweep();
    },
    /** An app that is Alice’s contact from now on, set by the words. */
    totp: async (delaySeconds = DAY) => {
      const id = random(32);
      const set = { id, contact: { kind: 'totp' }, delaySeconds } as const;
      const { contact, secret: shared } = await words.call('contact.set', set);
      const app = {
        id,
        name: contact.name,
        code: () => totpOf(secret(shared!.slice()), Math.floor(now / COMMON_TOTP.period), COMMON_TOTP),
      };
      await words.call('contact.verify', { id, proof: { code: app.code() } });
      now += 2 * COMMON_TOTP.period;
      return app;
    },
    /** A friend who is. */
    friend: async (number: number, delaySeconds = DAY) => {
      const id = random(32);
      const who = person(number);
      const vouch = (vouched: Vouched, about: Uint8Array) => {
        const { xid } = server.context.identity;
        return { voucher: signVoucher({ server: xid, vouched, about, issuedAt: ++now }, who) };
      };
      await words.call('contact.set', { id, contact: { kind: 'xid' }, delaySeconds });
      await words.call('contact.verify', { id, proof: vouch('contact', alice.xid) });
      return { id, vouch };
    },
    /** An address that is. */
    mail: async (address: string, delaySeconds = DAY) => {
      const id = random(32);
      await words.call('contact.set', { id, contact: { kind: 'mail', address }, delaySeconds });
      await words.call('contact.verify', { id, proof: { code: world.code() } });
      now += 900;
      return { id, address };
    },
    /** The code that was sent last. */
    code: (): string => {
      const { code } = sent.findLast(({ content }) => 'code' in (content as object))!.content as {
        code: string;
      };
      return code;
    },
    show: (who: Identity): Promise<CaseView> => world.stranger(who).call('recovery.show', {}),
    /** The operator has somebody before him. */
    inPerson: (who: Identity): Promise<CaseView> => {
      const { context, sessions } = server;
      const keys = who.publicKeys;
      const request = encodeVouchRequest({ server: context.identity.xid, vouched: 'recovery', keys });
      return sessions.waysBackDesk.confirm(alice.xid, request, formatWords(likenessOf(who.xid)));
    },
    finish: (who: Identity) => world.stranger(who).call('recovery.finish', { notes: new Uint8Array(0) }),
    prove: (
      who: Identity,
      kind: Exclude<ContactKind, 'operator'>,
      name: string,
      proof: Parameters<'recovery.prove'>['proof'],
      deed: 'recover' | 'veto' = 'recover',
    ) => {
      const contact = { kind, name } as Parameters<'recovery.prove'>['contact'];
      return world.stranger(who).call('recovery.prove', { contact, proof, deed });
    },
  };
  return world;
}
export type WaysBackWorld = Awaited<ReturnType<typeof openWaysBack>>;

/** Somebody with a key that no account has. */
export const stranger = (number: number): Identity => person(number);

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

export { alice, random };
