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
  /** How many schedules end so; undefined when not counted, or when the model has cycles. */
  readonly scheduleCount: bigint | undefined;
  /** The actions of one shortest schedule that ends so. */
  readonly schedule: readonly string[];
}

export interface Exploration {
  readonly stateCount: number;
  readonly transitionCount: number;
  /** Undefined when not counted, or when the model has cycles. */
  readonly scheduleCount: bigint | undefined;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export interface ExploreOptions {
  /** Default `sequential`. */
  readonly memory?: MemoryModel;
  /** Whether schedules are counted, which takes longer than running them; default false. */
  readonly countSchedules?: boolean;
  /** More states than this make the exploration throw; default 2,000,000. */
  readonly stateCountMax?: number;
}

/** Runs every schedule of the model and returns how they end. */
export function explore(protocol: Protocol, options: ExploreOptions = {}): Exploration {
  const { memory = 'sequential', countSchedules = false, stateCountMax = 2_000_000 } = options;
  const graph = new Graph(new Machine(protocol, memory), stateCountMax);
  graph.expandAll();
  return graph.summary(countSchedules);
}

/** The graph of reachable states; a node without a state is the outcome of a failed check. */
class Graph {
  private readonly machine: Machine;
  private readonly stateCountMax: number;
  private readonly nodes = new Map<string, number>();
  private readonly states: (State | undefined)[] = [];
  private readonly parents: number[] = [];
  /** By which thread, and by what it did, a node was first reached. */
  private readonly actors: number[] = [];
  private readonly actions: string[] = [];
  private readonly edgeSources: number[] = [];
  private readonly edgeTargets: number[] = [];
  private readonly firstEdges: number[] = [];
  private readonly ends = new Map<number, string>();
  private current = 0;

  constructor(machine: Machine, stateCountMax: number) {
    this.machine = machine;
    this.stateCountMax = stateCountMax;
    const initial = machine.initialState();
    this.nodes.set(keyOf(initial), 0);
    this.states.push(initial);
    this.parents.push(-1);
    this.actors.push(-1);
    this.actions.push('');
  }

  expandAll(): void {
    for (this.current = 0; this.current < this.states.length; this.current++) {
      const state = this.states[this.current];
      const edgeCount = this.edgeTargets.length;
      this.firstEdges.push(edgeCount);
      if (state === undefined) continue;
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

  summary(countSchedules: boolean): Exploration {
    const order = this.topologicalOrder();
    const ways = countSchedules && order !== undefined ? this.countWays(order) : undefined;
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
    if (order === undefined) this.addLivelock(outcomes);
    const transitionCount = this.edgeTargets.length;
    return { stateCount: this.states.length, transitionCount, scheduleCount, outcomes };
  }

  private expandThread(state: State, thread: number): void {
    const { machine } = this;
    const step = machine.nextStep(state, thread);
    if (step !== undefined) {
      for (let branch = 0; branch < step.branches; branch++) {
        const { next, failure } = machine.runStep(state, thread, step, branch);
        if (next !== undefined) this.addEdge(next, thread, step.label);
        else if (failure !== undefined) this.addFailure(failure, thread, step.label);
      }
    }
    for (const position of machine.flushable(state, thread)) {
      const word = machine.flushedWord(state, thread, position);
      this.addEdge(machine.flush(state, thread, position), thread, word.arrival);
    }
  }

  private expandDeaths(state: State): void {
    for (const [thread, { mortal }] of this.machine.protocol.threads.entries()) {
      if (!mortal || this.machine.nextStep(state, thread) === undefined) continue;
      this.addEdge(this.machine.kill(state, thread), thread, 'dies');
    }
  }

  private addEdge(next: State, thread: number, action: string): void {
    this.connect(keyOf(next), next, thread, action);
  }

  private addFailure(outcome: string, thread: number, action: string): void {
    // No state has this key: the keys of states all have one length, which this one exceeds.
    const key = `${'failure: '.padEnd(4_096)}${outcome}`;
    this.ends.set(this.connect(key, undefined, thread, action), outcome);
  }

  private connect(key: string, state: State | undefined, thread: number, action: string): number {
    let node = this.nodes.get(key);
    if (node === undefined) {
      node = this.states.length;
      this.nodes.set(key, node);
      this.states.push(state);
      this.parents.push(this.current);
      this.actors.push(thread);
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

  /** All nodes, each after those that lead to it; undefined if there is a cycle. */
  private topologicalOrder(): number[] | undefined {
    const nodeCount = this.states.length;
    const missing = new Uint32Array(nodeCount);
    for (const target of this.edgeTargets) missing[target] = at(missing, target) + 1;
    const order = at(missing, 0) === 0 ? [0] : [];
    for (let index = 0; index < order.length; index++) {
      this.forEachTarget(at(order, index), (target) => {
        missing[target] = at(missing, target) - 1;
        if (missing[target] === 0) order.push(target);
      });
    }
    return order.length === nodeCount ? order : undefined;
  }

  /** How many paths lead from the start to each node. */
  private countWays(order: readonly number[]): bigint[] {
    const ways = new Array<bigint>(order.length).fill(0n);
    ways[0] = 1n;
    for (const node of order) {
      const count = at(ways, node);
      this.forEachTarget(node, (target) => {
        ways[target] = at(ways, target) + count;
      });
    }
    return ways;
  }

  /** The edges of a node are one run, because nodes are expanded one after the other. */
  private forEachTarget(node: number, visit: (target: number) => void): void {
    const end = this.firstEdges[node + 1] ?? this.edgeTargets.length;
    for (let edge = at(this.firstEdges, node); edge < end; edge++) {
      visit(at(this.edgeTargets, edge));
    }
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
      const { name } = at(this.machine.protocol.threads, at(this.actors, step));
      schedule.push(`${name}: ${at(this.actions, step)}`);
    }
    return schedule.reverse();
  }
}

function keyOf(state: State): string {
  return state.toString('latin1');
}

function sum(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
