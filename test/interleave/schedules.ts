/**
 * Enumerates all schedules of a step model: at every point each thread that can take a step takes
 * it, each buffered store may reach memory, and each mortal thread may die.
 *
 * Two schedules that lead to the same state have the same future, so each state is expanded once
 * (breadth first, which makes the schedule printed for an outcome a shortest one). The number of
 * schedules is then the number of paths through the graph of states, counted exactly. A model whose
 * graph has a cycle has no such number; there every state must still be able to reach an end.
 */
import type { MemoryModel, State } from './machine.js';
import { Machine } from './machine.js';
import type { Protocol } from './protocol.js';
import { at } from './protocol.js';

/** The outcome of a schedule that ends with a thread still waiting. */
export const STUCK = 'a thread waits for ever';

/** The outcome of a model with states from which no end can be reached. */
export const LIVELOCK = 'threads run for ever without an end';

export interface Outcome {
  readonly name: string;
  /** How many schedules end so; undefined when the model has cycles. */
  readonly scheduleCount: bigint | undefined;
  /** The actions of one shortest schedule that ends so. */
  readonly schedule: readonly string[];
}

export interface Exploration {
  readonly stateCount: number;
  readonly transitionCount: number;
  /** Undefined when the model has cycles. */
  readonly scheduleCount: bigint | undefined;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export interface ExploreOptions {
  /** Default `sequential`. */
  readonly memory?: MemoryModel;
  /** More states than this make the exploration throw; default 2,000,000. */
  readonly stateCountMax?: number;
}

/** Runs every schedule of the model and returns how they end. */
export function explore(protocol: Protocol, options: ExploreOptions = {}): Exploration {
  const { memory = 'sequential', stateCountMax = 2_000_000 } = options;
  const graph = new Graph(new Machine(protocol, memory), stateCountMax);
  graph.expandAll();
  return graph.summary();
}

/** The graph of reachable states; a node without a state is an outcome reached by a failed check. */
class Graph {
  private readonly machine: Machine;
  private readonly stateCountMax: number;
  private readonly nodes = new Map<string, number>();
  private readonly states: (State | undefined)[] = [];
  private readonly parents: number[] = [];
  private readonly actions: string[] = [];
  private readonly edgeSources: number[] = [];
  private readonly edgeTargets: number[] = [];
  private readonly ends = new Map<number, string>();
  private current = 0;

  constructor(machine: Machine, stateCountMax: number) {
    this.machine = machine;
    this.stateCountMax = stateCountMax;
    const initial = machine.initialState();
    this.nodes.set(keyOf(initial), 0);
    this.states.push(initial);
    this.parents.push(-1);
    this.actions.push('');
  }

  expandAll(): void {
    for (this.current = 0; this.current < this.states.length; this.current++) {
      const state = this.states[this.current];
      if (state === undefined) continue;
      const edgeCount = this.edgeTargets.length;
      for (let thread = 0; thread < this.machine.protocol.threads.length; thread++) {
        this.expandThread(state, thread);
      }
      // Nobody has to die: a state in which only a death could happen is an end as well.
      if (this.edgeTargets.length === edgeCount) this.ends.set(this.current, this.endOf(state));
      this.expandDeaths(state);
      this.states[this.current] = undefined;
      if (this.states.length > this.stateCountMax) {
        throw new Error(`more than ${this.stateCountMax} states`);
      }
    }
  }

  summary(): Exploration {
    const ways = this.countWays();
    const outcomes = new Map<string, Outcome>();
    let scheduleCount: bigint | undefined = ways === undefined ? undefined : 0n;
    for (const [node, name] of this.ends) {
      const known = outcomes.get(name);
      const count = ways === undefined ? undefined : at(ways, node);
      outcomes.set(name, {
        name,
        scheduleCount: sum(known === undefined ? 0n : known.scheduleCount, count),
        schedule: known?.schedule ?? this.scheduleTo(node),
      });
      scheduleCount = sum(scheduleCount, count);
    }
    if (ways === undefined) this.addLivelock(outcomes);
    const transitionCount = this.edgeTargets.length;
    return { stateCount: this.states.length, transitionCount, scheduleCount, outcomes };
  }

  private expandThread(state: State, thread: number): void {
    const { machine } = this;
    const { name } = at(machine.protocol.threads, thread);
    const step = machine.nextStep(state, thread);
    if (step !== undefined) {
      for (let branch = 0; branch < step.branches; branch++) {
        const { next, failure } = machine.runStep(state, thread, step, branch);
        if (next !== undefined) this.addEdge(next, `${name}: ${step.label}`);
        else if (failure !== undefined) this.addFailure(failure, `${name}: ${step.label}`);
      }
    }
    for (const position of machine.flushable(state, thread)) {
      const word = machine.flushedWord(state, thread, position);
      this.addEdge(machine.flush(state, thread, position), `${name}: ${word.name} reaches memory`);
    }
  }

  private expandDeaths(state: State): void {
    for (const [thread, { name, mortal }] of this.machine.protocol.threads.entries()) {
      if (!mortal || this.machine.nextStep(state, thread) === undefined) continue;
      this.addEdge(this.machine.kill(state, thread), `${name} dies`);
    }
  }

  private addEdge(next: State, action: string): void {
    this.connect(keyOf(next), next, action);
  }

  private addFailure(outcome: string, action: string): void {
    // No state has this key: the keys of states all have one length, which this one exceeds.
    const node = this.connect(`${'failure: '.padEnd(4_096)}${outcome}`, undefined, action);
    this.ends.set(node, outcome);
  }

  private connect(key: string, state: State | undefined, action: string): number {
    let node = this.nodes.get(key);
    if (node === undefined) {
      node = this.states.length;
      this.nodes.set(key, node);
      this.states.push(state);
      this.parents.push(this.current);
      this.actions.push(action);
    }
    this.edgeSources.push(this.current);
    this.edgeTargets.push(node);
    return node;
  }

  private endOf(state: State): string {
    const waits = this.machine.protocol.threads.some(
      ({ daemon }, thread) => !daemon && this.machine.nextStep(state, thread) !== undefined,
    );
    return waits ? STUCK : this.machine.protocol.describe(this.machine.view(state));
  }

  /** Paths from the start to each node, in topological order; undefined if there is a cycle. */
  private countWays(): bigint[] | undefined {
    const nodeCount = this.states.length;
    const missing = new Uint32Array(nodeCount);
    for (const target of this.edgeTargets) missing[target] = at(missing, target) + 1;
    const firstEdges = firstEdgeOfEach(this.edgeSources, nodeCount);
    const ways = new Array<bigint>(nodeCount).fill(0n);
    ways[0] = 1n;
    const ready = at(missing, 0) === 0 ? [0] : [];
    for (let index = 0; index < ready.length; index++) {
      const node = at(ready, index);
      for (let edge = at(firstEdges, node); edge < at(firstEdges, node + 1); edge++) {
        const target = at(this.edgeTargets, edge);
        ways[target] = at(ways, target) + at(ways, node);
        missing[target] = at(missing, target) - 1;
        if (missing[target] === 0) ready.push(target);
      }
    }
    return ready.length === nodeCount ? ways : undefined;
  }

  private addLivelock(outcomes: Map<string, Outcome>): void {
    const canEnd = new Uint8Array(this.states.length);
    for (const node of this.ends.keys()) canEnd[node] = 1;
    // Each round marks at least one more node, so there are at most as many rounds as nodes.
    for (let changed = true; changed; ) {
      changed = false;
      for (let edge = this.edgeTargets.length - 1; edge >= 0; edge--) {
        const source = at(this.edgeSources, edge);
        if (canEnd[source] === 1 || canEnd[at(this.edgeTargets, edge)] === 0) continue;
        canEnd[source] = 1;
        changed = true;
      }
    }
    const trapped = canEnd.indexOf(0);
    if (trapped < 0) return;
    const schedule = this.scheduleTo(trapped);
    outcomes.set(LIVELOCK, { name: LIVELOCK, scheduleCount: undefined, schedule });
  }

  private scheduleTo(node: number): string[] {
    const schedule: string[] = [];
    for (let step = node; step > 0; step = at(this.parents, step)) {
      schedule.push(at(this.actions, step));
    }
    return schedule.reverse();
  }
}

function keyOf(state: State): string {
  return state.toString('latin1');
}

/** Edges are stored in the order of their sources, so each node's edges are one run. */
function firstEdgeOfEach(sources: readonly number[], nodeCount: number): Uint32Array {
  const firstEdges = new Uint32Array(nodeCount + 1);
  for (const source of sources) firstEdges[source + 1] = at(firstEdges, source + 1) + 1;
  for (let node = 0; node < nodeCount; node++) {
    firstEdges[node + 1] = at(firstEdges, node) + at(firstEdges, node + 1);
  }
  return firstEdges;
}

function sum(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
