import { jitteredWaitMs } from './backoff.js';
import type { Breaker } from './breaker.js';
import { ClientError, clientClosed, isUnavailable } from './client-error.js';
import type { AnswerOf, FieldsOf, OperationName } from './operations.js';
import { orAborted, wait, withinTime } from './time-limit.js';

/** One question on its way. */
export interface Question<Name extends OperationName> {
  readonly name: Name;
  readonly namespace: string;
  readonly fields: FieldsOf<Name>;
  readonly signal: AbortSignal | undefined;
}

/** Carries one try; it must end by its signal. */
export type TryOnce = <Name extends OperationName>(
  question: Question<Name>,
  signal: AbortSignal,
) => Promise<Outcome<Name>>;

export interface Outcome<Name extends OperationName> {
  readonly answer: AnswerOf<Name>;
  /** Whether the answer came over the connection that tells of changes too. */
  readonly isFollowed: boolean;
}

export interface RunnerSettings {
  readonly timeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly retries: number;
}

const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 2_000;

/** Carries questions out: with limits of time, tries again where that may help, and a breaker. */
export class RequestRunner {
  private readonly settings: RunnerSettings;
  private readonly breaker: Breaker | undefined;
  private readonly tryOnce: TryOnce;
  private readonly closing = new AbortController();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(settings: RunnerSettings, breaker: Breaker | undefined, tryOnce: TryOnce) {
    this.settings = settings;
    this.breaker = breaker;
    this.tryOnce = tryOnce;
  }

  /**
   * @param retries fewer than the settings say, where the caller has another way
   * @throws {ClientError} as a rejection
   */
  run<Name extends OperationName>(
    question: Question<Name>,
    retries: number = this.settings.retries,
  ): Promise<Outcome<Name>> {
    const result = this.tryUntilAnswered(question, Math.min(retries, this.settings.retries));
    this.underWay.add(result);
    const forget = (): void => {
      this.underWay.delete(result);
    };
    result.then(forget, forget);
    return result;
  }

  /** Lets tries that are under way end, but no more begin. */
  async close(): Promise<void> {
    this.closing.abort(clientClosed());
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
  }

  private async tryUntilAnswered<Name extends OperationName>(
    question: Question<Name>,
    retries: number,
  ): Promise<Outcome<Name>> {
    const endMs = performance.now() + this.settings.totalTimeoutMs;
    let failure: unknown;
    for (let failedTries = 0; ; failedTries++) {
      if (this.closing.signal.aborted) throw clientClosed();
      try {
        // That this call's own failures opened the breaker is not what its caller should hear.
        if (failure !== undefined && this.breaker?.isShut === true) throw failure;
        this.breaker?.enter();
        const leftMs = Math.max(1, endMs - performance.now());
        const limitMs = Math.ceil(Math.min(this.settings.timeoutMs, leftMs));
        const outcome = await withinTime(limitMs, question.signal, (signal) =>
          this.tryOnce(question, signal),
        );
        this.breaker?.succeed();
        return outcome;
      } catch (error) {
        if (error === failure) throw error;
        failure = error;
        this.note(error);
        if (isOutcomeOpen(error) && !mayBeRepeated(question)) throw outcomeUnknown(error);
        const waitMs = waitBeforeRetry(error, failedTries);
        const isLast = failedTries >= retries || waitMs === undefined;
        if (isLast || performance.now() + waitMs >= endMs) throw error;
        await this.pause(waitMs, question.signal);
      }
    }
  }

  private note(error: unknown): void {
    if (!(error instanceof ClientError) || error.code === 'ERR_CLIENT_BREAKER_OPEN') return;
    if (error.code === 'ERR_CLIENT_ABORTED') return;
    if (isUnavailable(error)) this.breaker?.fail();
    else this.breaker?.succeed();
  }

  /** Ends sooner, with an error, when the caller gives up or the client is closed. */
  private pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return orAborted(wait(waitMs, this.closing.signal), signal).catch((error) => {
      throw this.closing.signal.aborted ? clientClosed() : error;
    });
  }
}

/** Milliseconds until the next try; `undefined` where another try is of no use. */
function waitBeforeRetry(error: unknown, failedTries: number): number | undefined {
  if (!(error instanceof ClientError) || !error.retryable) return undefined;
  // Refused without being sent: the next try would be refused too, until the breaker's time.
  if (error.code === 'ERR_CLIENT_BREAKER_OPEN') return undefined;
  const jitterMs = jitteredWaitMs(failedTries, RETRY_FIRST_MS, RETRY_MOST_MS);
  // Spread beyond the moment that the service named, which all its clients were told.
  return (error.retryAfterMs ?? 0) + jitterMs;
}

/** Whether the failure leaves open whether the service did what it was asked. */
function isOutcomeOpen(error: unknown): boolean {
  if (!(error instanceof ClientError)) return true;
  return OPEN_CODES.has(error.code) && !error.wasNotSent;
}

const OPEN_CODES: ReadonlySet<string> = new Set([
  'ERR_CLIENT_UNREACHABLE',
  'ERR_CLIENT_TIMEOUT',
  'ERR_CLIENT_MALFORMED_ANSWER',
  'ERR_CACHE_OUTCOME_UNKNOWN',
  'ERR_HTTP_INTERNAL',
]);

/** Doing it twice leaves the same as doing it once: all but writes with a condition. */
function mayBeRepeated(question: Question<OperationName>): boolean {
  return !('only' in question.fields) || question.fields.only === undefined;
}

function outcomeUnknown(cause: unknown): ClientError {
  return new ClientError(
    'ERR_CLIENT_OUTCOME_UNKNOWN',
    'the write was sent and its answer never came: it may have been done; read the entry',
    { retryable: true, cause },
  );
}
