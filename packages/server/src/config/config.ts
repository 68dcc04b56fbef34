import type { Quota } from '../accounts/accounts.js';

/** What the operator demands of every key, on top of what its owner demands: it can only be stricter. */
export interface OperatorPolicy {
  /** Request kinds this server answers at all; null: all that it knows. */
  readonly kinds: readonly string[] | null;
  readonly rateLimit: { readonly count: number; readonly perSeconds: number } | null;
  readonly blindAllowed: boolean;
  readonly approval: 'automatic' | 'operator';
  /** For how long at least a change of who holds a key, or its export, waits here. Seconds. */
  readonly changeDelay: number;
}

/** How the operator is told, outside of the server, that something waits. */
export interface NotifyConfig {
  /** A program by its whole path, and its arguments. */
  readonly command: readonly string[] | null;
  readonly webhook: {
    readonly url: string;
    /** Authenticates what is sent; 0600. */
    readonly secretFile: string | null;
    /** Whether the sentence of the request goes along: whoever has the address reads it. */
    readonly sentence: boolean;
  } | null;
  /** No more than one notice in so long. */
  readonly everySeconds: number;
  /** Between these times of day, UTC, `22:00`, mail and webhook tell of nothing that only waits; null: they always do. */
  readonly quiet: { readonly from: string; readonly to: string } | null;
}

/** The operator's mail server, through which this one sends. */
export interface MailConfig {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte; `starttls`: demanded before anything is said; `none`: only to this machine. */
  readonly tls: 'starttls' | 'tls' | 'none';
  readonly from: string;
  /** Where the operator's notices go; null: not by mail. */
  readonly to: string | null;
  readonly user: string | null;
  /** 0600. */
  readonly passwordFile: string | null;
  /** PEM file of the authority of its certificate; null: those that Node trusts. */
  readonly caFile: string | null;
}

/** Checked configuration of one server. */
export interface ServerConfig {
  readonly dataDir: string;
  readonly name: string;
  readonly version: string;
  /** The address that clients use; part of every roster entry. */
  readonly publicUrl: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | null;
  /** Null: SQLite in the data directory. */
  readonly databaseUrl: string | null;
  readonly accounts: 'open' | 'invite' | 'closed';
  /**
   * What may give a share back when it is lost. `epoch`: a backup, or the other servers; a key whose owner wishes for more is refused.
   * `static`: the identity too, for ever, of keys whose owners wish so; of others nothing more than with `epoch`.
   */
  readonly backup: 'epoch' | 'static';
  /** The folder of epoch keys that replicas share; null: one in the data directory. */
  readonly epochKeys: string | null;
  readonly quota: Quota;
  readonly policy: OperatorPolicy;
  readonly limits: {
    /** Bytes of one message. */
    readonly body: number;
    /** Messages answered at the same time. */
    readonly concurrency: number;
    /** Messages a second from everybody together. */
    readonly perSecond: number;
    /** Messages a minute from one address. */
    readonly perAddressPerMinute: number;
    /** Accounts there may be in all. */
    readonly accounts: number;
    /** Accounts opened from one address in a day, where no invite is asked for. */
    readonly accountsPerAddressPerDay: number;
    /** Connections that one address may have open; behind a trusted proxy all come from that one, and none are counted. */
    readonly connectionsPerAddress: number;
    readonly requestTimeoutMs: number;
    /** How far a sender's clock may be from ours. */
    readonly clockSkewSeconds: number;
    /** A message may not be valid for longer than this. */
    readonly messageLifetimeSeconds: number;
    /** A session may not stay open for longer than this. */
    readonly sessionLifetimeSeconds: number;
    /** A request may not stay open for longer than this. */
    readonly requestLifetimeSeconds: number;
    /** How long a request is kept after its expiry, or as long as it counts against a rate limit. */
    readonly keepRequestsSeconds: number;
    /** How long a session is kept after its expiry. */
    readonly keepSessionsSeconds: number;
  };
  /** Whether the server may compute with secrets in bigint, whose time depends on them, where nothing better loads. */
  readonly allowSlowArithmetic: boolean;
  readonly log: { readonly level: string };
  readonly notify: NotifyConfig;
  /** Null: it sends no mail. */
  readonly mail: MailConfig | null;
  /** Whether the address in `X-Forwarded-For` counts: only behind a proxy that sets it. */
  readonly trustProxy: boolean;
  /** Who may read `/metrics`. */
  readonly metrics: 'local' | 'anybody';
}
