import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, type Secret, secret } from '@ckm/foundation';
import { createQuorumSigner, type QuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { alice } from '../../control/test/keyed-servers.js';
import type { RestoreOptions } from '../../server/backups/restore-server.js';
import { tellHeads } from '../../sessions/test/heads.js';
import { type RunningServer, startServer, type StartServerOptions } from '../../server/start-server.js';
import { clientAt, PASSPHRASE, type TestClient, type TestServer } from '../../test/test-server.js';

export const words = (text = PASSPHRASE): Secret<Uint8Array> => secret(encodeUtf8(text));
const VARIABLES = { CKM_ALLOW_INSPECT: '1' };

/** A server that was restored, and what it logged. */
export interface RestoredServer {
  readonly server: RunningServer;
  readonly dataDir: string;
  log(): string;
  /** Alice, who has a key there. */
  readonly client: TestClient;
  /** Brings it what bravo says of how far the key is: it asks since it was restored. */
  tellHead(): Promise<void>;
  /** Asks it, once it was told, and bravo for signatures. */
  signer(): Promise<QuorumSigner>;
}

/** A folder with backups of alpha and what was made of them. */
export interface Restores {
  readonly folder: string;
  /** Where backups go unless a test says otherwise. */
  readonly file: string;
  /** What a restore is told: a minute after the backup. */
  options(more?: Partial<RestoreOptions>): RestoreOptions;
  /** Starts what was restored, when it answers again: more than a minute later still, and ends it after the work. */
  start<T>(work: (restored: RestoredServer) => Promise<T>, more?: Partial<StartServerOptions>): Promise<T>;
  remove(): void;
}

/** @param keyId of the key that Alice has at alpha and bravo */
export function createRestores(servers: readonly TestServer[], keyId: () => Uint8Array): Restores {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-restores-'));
  const file = join(folder, 'alpha.backup');
  const dataDir = join(folder, 'restored');
  const [alpha, bravo] = servers as [TestServer, TestServer];
  const later = (seconds: number) => alpha.now + seconds;
  return {
    folder,
    file,
    options: (more) => {
      const nowMs = () => later(60) * 1_000;
      return { file, dataDir, passphrase: words(), variables: VARIABLES, nowMs, ...more };
    },
    async start(work, more = {}) {
      const lines: string[] = [];
      const nowMs = more.nowMs ?? (() => later(125) * 1_000);
      const now = Math.floor(nowMs() / 1_000);
      const server = await startServer({
        dataDir,
        nowMs,
        logDestination: { write: (line: string) => void lines.push(line) },
        ...more,
        variables: { ...VARIABLES, ...more.variables },
      });
      const client = clientAt({ server, now }, alice);
      const calleesNow = () => {
        // Its clock goes on with that of the others.
        bravo.now = now;
        const calls = [client, bravo.as(alice)];
        return calls.map(({ ask }, i) => ({ name: ['alpha', 'bravo'][i]!, call: ask }));
      };
      const tellHead = async () => {
        await tellHeads(calleesNow(), keyId(), [2]);
      };
      const signer = async () => {
        const callees = calleesNow();
        await tellHead();
        const { certificate } = await client.ask('key.show', { keyId: keyId() });
        const key = verifyCertificate(parseCertificate(certificate!)).public;
        const expiresAt = now + 600;
        return createQuorumSigner({ servers: callees, keyId: keyId(), key, purpose: 'message', expiresAt });
      };
      try {
        return await work({ server, dataDir, log: () => lines.join(''), client, tellHead, signer });
      } finally {
        await server.close();
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
