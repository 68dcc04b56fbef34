import type { PeopleAsked, WaitsFor } from '@ckm/api';
import type { Job } from './job-steps.js';

/** A server that takes no part by its own rules, and why. */
export interface ServerRefusal {
  readonly server: string;
  /** In its words. */
  readonly reason: string;
  readonly code: string;
}

/** Whom a request waits for at servers that say the same of it: people whom the terms of its key name, operators, or both. */
export interface PeopleWait extends Pick<PeopleAsked, 'awaits' | 'yes' | 'no' | 'reasons'> {
  readonly servers: readonly string[];
  readonly waitsFor: WaitsFor;
}

/** Where a ceremony or a request is. Names are the owner's names of servers. */
export interface ProgressEvent {
  /** What goes on, in one word: the same from its first step to its last. */
  readonly job: Job;
  /** First eight hex digits of the id of the session or request; empty: it has none that anybody has to name. */
  readonly id: string;
  readonly stage: 'propose' | 'join' | 'exchange' | 'conclude' | 'ask' | 'wait' | 'sign' | 'done';
  /** The step of the job, from 1, also where it is one of an inner session. Of a request: the attempt. */
  readonly round: number;
  /** How many steps the job has. Of a request: how many servers have to sign. */
  readonly of: number;
  readonly have: readonly string[];
  readonly waiting: readonly string[];
  /** With `wait`, UnixSeconds: until when the servers keep the request. */
  readonly expiresAt?: number;
  /** With `wait`: servers whose operators said no, with what they said. */
  readonly rejected?: readonly { readonly server: string; readonly reason: string }[];
  /** With `wait`: servers that refuse by their own rules, whatever people decide. */
  readonly refused?: readonly ServerRefusal[];
  /** With `wait`: whom the terms of the key ask, as servers say that wait for them; absent: nobody. */
  readonly people?: readonly PeopleWait[];
  /** With `wait`, UnixSeconds: until when this client stays. */
  readonly staysUntil?: number;
  /** One line for a person. */
  readonly text: string;
}

export type OnProgress = (event: ProgressEvent) => void;
