import type { Fault, Incoming, Outgoing, PartyIndex, Protocol, Step } from './contract.js';

/** One message on its way to one receiver. */
export interface Delivery<M> extends Incoming<M> {
  readonly to: PartyIndex;
}

/**
 * A deterministic in-memory run of one protocol by all its parties, with an adversary on the wire.
 * Every state and every message goes through its codec, as it would between two processes.
 */
export interface Simulation<P, S, M, O> {
  readonly protocol: Protocol<P, S, M, O>;
  readonly parties: readonly PartyIndex[];
  readonly params: (party: PartyIndex) => P;
  readonly seed: (party: PartyIndex) => Uint8Array;
  /**
   * What arrives instead of a message: nothing (silence), the same (default), changed ones, several. `earlier` is
   * everything sent before it, for replays. Bodies that this hands out reach `advance` as they are.
   */
  readonly deliver?: (delivery: Delivery<M>, earlier: readonly Delivery<M>[]) => readonly Delivery<M>[];
  /** The order in which one party sees its inbox. Default: as sent. */
  readonly arrange?: (inbox: readonly Incoming<M>[], party: PartyIndex) => readonly Incoming<M>[];
  /** Sees every step and may replace it: a corrupt party, or a restart from an older state. */
  readonly onStep?: (party: PartyIndex, step: Step<S, M, O>) => Step<S, M, O>;
}

/** How a run ended for one party. */
export type Outcome<S, O> =
  | { readonly kind: 'finished'; readonly output: O }
  | { readonly kind: 'aborted'; readonly fault: Fault }
  | { readonly kind: 'waiting'; readonly state: S };

export interface SimulationResult<S, M, O> {
  readonly outcomes: ReadonlyMap<PartyIndex, Outcome<S, O>>;
  /** Everything that was sent, before the adversary touched it, with its encoding. */
  readonly wire: readonly (Delivery<M> & { readonly bytes: Uint8Array })[];
  /** The encoding of every state any party was in, in order. */
  readonly states: ReadonlyMap<PartyIndex, readonly Uint8Array[]>;
}

/** Runs until nobody can go on. */
export function simulate<P, S, M, O>(simulation: Simulation<P, S, M, O>): SimulationResult<S, M, O> {
  const run = startRun(simulation);
  let advanced = true;
  while (advanced) {
    advanced = false;
    for (const party of simulation.parties) {
      const outcome = run.outcomes.get(party);
      if (outcome?.kind !== 'waiting') continue;
      const inbox = readyInbox(simulation, run, party, outcome.state);
      if (inbox === undefined) continue;
      takeStep(simulation, run, party, simulation.protocol.advance(outcome.state, inbox));
      advanced = true;
    }
  }
  return run;
}

interface Run<S, M, O> {
  readonly outcomes: Map<PartyIndex, Outcome<S, O>>;
  readonly wire: (Delivery<M> & { readonly bytes: Uint8Array })[];
  readonly states: Map<PartyIndex, Uint8Array[]>;
  readonly inboxes: Map<PartyIndex, Incoming<M>[]>;
  /** Round and inbox length when each party was last offered its inbox. */
  readonly offered: Map<PartyIndex, string>;
}

function startRun<P, S, M, O>(simulation: Simulation<P, S, M, O>): Run<S, M, O> {
  const { parties, protocol } = simulation;
  const run: Run<S, M, O> = {
    outcomes: new Map(),
    wire: [],
    states: new Map(parties.map((party) => [party, []])),
    inboxes: new Map(parties.map((party) => [party, []])),
    offered: new Map(),
  };
  for (const party of parties) {
    takeStep(simulation, run, party, protocol.start(simulation.params(party), simulation.seed(party)));
  }
  return run;
}

/** Everything a party has received, once all that it waits for is there and something is new since it last looked. */
function readyInbox<P, S, M, O>(
  { protocol, arrange }: Simulation<P, S, M, O>,
  run: Run<S, M, O>,
  party: PartyIndex,
  state: S,
): readonly Incoming<M>[] | undefined {
  const inbox = run.inboxes.get(party)!;
  const { round, from } = protocol.awaiting(state);
  const arrived = (sender: PartyIndex) =>
    inbox.some((message) => message.from === sender && message.round === round);
  const offer = `${round}:${inbox.length}`;
  if (run.offered.get(party) === offer || !from.every(arrived)) return undefined;
  run.offered.set(party, offer);
  return arrange === undefined ? inbox : arrange(inbox, party);
}

function takeStep<P, S, M, O>(
  simulation: Simulation<P, S, M, O>,
  run: Run<S, M, O>,
  party: PartyIndex,
  taken: Step<S, M, O>,
): void {
  const step = simulation.onStep?.(party, taken) ?? taken;
  run.outcomes.set(party, outcomeOf(simulation, run, party, step));
  if (step.kind === 'aborted') return;
  for (const outgoing of step.outbox) {
    for (const to of receivers(simulation, party, outgoing)) send(simulation, run, party, to, outgoing);
  }
}

function outcomeOf<P, S, M, O>(
  { protocol }: Simulation<P, S, M, O>,
  run: Run<S, M, O>,
  party: PartyIndex,
  step: Step<S, M, O>,
): Outcome<S, O> {
  if (step.kind === 'finished') return { kind: 'finished', output: step.output };
  if (step.kind === 'aborted') return { kind: 'aborted', fault: step.fault };
  const bytes = protocol.state.encode(step.state);
  run.states.get(party)!.push(bytes);
  return { kind: 'waiting', state: protocol.state.decode(bytes) };
}

function receivers<P, S, M, O>(
  { parties }: Simulation<P, S, M, O>,
  from: PartyIndex,
  { to }: Outgoing<M>,
): readonly PartyIndex[] {
  return to === 'everyone' ? parties.filter((party) => party !== from) : [to];
}

function send<P, S, M, O>(
  { protocol, deliver }: Simulation<P, S, M, O>,
  run: Run<S, M, O>,
  from: PartyIndex,
  to: PartyIndex,
  { round, body }: Outgoing<M>,
): void {
  const bytes = protocol.message.encode(body);
  const delivery = { from, to, round, body: protocol.message.decode(bytes) };
  const arriving = deliver === undefined ? [delivery] : deliver(delivery, run.wire);
  run.wire.push({ ...delivery, bytes });
  for (const message of arriving) run.inboxes.get(message.to)?.push(message);
}
