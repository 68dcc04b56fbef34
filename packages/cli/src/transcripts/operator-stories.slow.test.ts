import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { CTRL_C } from '../test/sit-and-run.js';
import { type Player, story, threeServers } from '../test/story.js';

/** What an operator sees who runs a server, from its first start to a backup that is put back. */
const open = threeServers();
const GOOD = 'harbour seven candles\r';

/** Runs the server in `desk` on a terminal of its own while something is done, then stops it there with Ctrl-C. */
async function whileItRuns(
  { ckm }: Player,
  flags: string,
  during: (url: string) => Promise<void>,
): Promise<void> {
  await ckm(`server start desk${flags}`, [
    /listens on (http:\/\/[0-9.:]+)/,
    async (seen) => {
      await during(/listens on (http:\/\/[0-9.:]+)/.exec(seen)![1]!);
      return CTRL_C;
    },
  ]);
}

/** The owner adds it, and has a key whose signatures its operator decides. */
async function becomeCustomer({ aside }: Player, url: string): Promise<void> {
  await aside(`server add desk ${url} --yes`);
  await aside(
    'key create payroll --for message --approval operator --quorum 2of2 --servers desk,alpha --yes',
  );
}

story('operator-sealed', open, async (player) => {
  const { ckm } = player;
  await ckm(
    'server init desk --name desk --listen 127.0.0.1:0 --accounts open --sealed',
    [/Passphrase for/, GOOD],
    [/The same again/, GOOD],
  );
  await whileItRuns(player, '', async (url) => {
    player.hide(url, 'http://127.0.0.1:8470');
    await ckm('server status desk');
    await ckm('server unseal desk', [/Passphrase/, 'harbour seven\r'], [/try again[\s\S]*Passphrase/, GOOD]);
    await ckm('server keys desk');
    await ckm(
      'server backup desk desk.backup',
      [/Present passphrase/, 'harbour seven\r'],
      [/try again[\s\S]*Present passphrase/, GOOD],
    );
  });
});

story('operator-decides', open, async (player) => {
  const { ckm, aside, hide } = player;
  await aside('server init desk --name desk --listen 127.0.0.1:0 --accounts open');
  await whileItRuns(player, '', async (url) => {
    hide(url, 'http://127.0.0.1:8470');
    await becomeCustomer(player, url);
    const ask = (message: string) => askAndLeave(player, message);
    const first = await ask('Pay the baker');
    await ckm('server requests desk');
    await ckm(`server approve desk ${first}`, [/Let this server sign it\?/, 'y\r']);
    const second = await ask('Pay Mallory');
    await ckm(`server reject desk ${second} --reason "call me first"`);
    await ckm('server audit show desk');
    await ckm('server audit verify desk');
    const [{ keyId }] = await aside<[{ keyId: string }]>('server keys desk');
    const key = keyId.slice(0, 8);
    await ckm(`server policy tighten desk ${key} --rate 1/1h`);
    await ckm(`server policy tighten desk ${key} --rate 100/1h`);
    await ckm(`server policy loosen desk ${key} --rate 100/1h`);
    await ckm(`server policy show desk ${key}`);
  });
});

story('operator-restores', open, async (player) => {
  const { ckm, aside, folder, hide } = player;
  await aside('server init desk --name desk --listen 127.0.0.1:0 --accounts open');
  await whileItRuns(player, '', async (url) => {
    hide(url, 'http://127.0.0.1:8470');
    await becomeCustomer(player, url);
    await ckm('server backup desk desk.backup', [/Passphrase for/, GOOD], [/The same again/, GOOD]);
  });
  await ckm('server restore desk.backup again --passphrase-file river');
  await ckm(
    'server restore desk.backup again',
    [/Passphrase/, 'harbour seven\r'],
    [/does not open[\s\S]*Passphrase/, GOOD],
  );
  const database = new DatabaseSync(join(folder, 'desk/ckm.sqlite'));
  database.exec('DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)');
  database.close();
  await ckm('server audit verify desk');
});

/** Asks for a signature and does not wait for it. @returns the id of the request */
async function askAndLeave({ aside }: Player, message: string): Promise<string> {
  await aside(`sign payroll --message "${message}" --yes --wait 0s`).catch(() => undefined);
  const requests =
    await aside<{ requestId?: string; id: string; sentence?: string }[]>('requests list --open');
  return requests.find((one) => JSON.stringify(one).includes(message))!.id;
}
