import { RequestError } from '../error-table.js';
import type { CompressionSettings } from '../service-settings.js';
import { DEFAULT_CONTENT_TYPE, encodeText } from '../wire.js';
import { BodyInflater } from './body-inflater.js';
import { CodecPool } from './codec-pool.js';
import type { CodecOutcome, CodecWork } from './codec-work.js';
import { type BodyForm, readBodyForm } from './given-body.js';
import { loadLz4 } from './lz4-library.js';
import { MessageTypes, readDescriptorSet } from './message-types.js';
import { type Plan, Plans } from './negotiation.js';
import type {
  GivenBody,
  JsonMember,
  PresentedValue,
  SentForm,
  StoredValue,
  ValueCodec,
  Wish,
} from './stored-value.js';
import { JSON_TYPE, ValueForms, writeStoredType } from './value-form.js';
import { andThen, type DecodedValue, type Maybe, WorkRunner } from './work-runner.js';

/** What the codecs are told. */
export interface CodecSettings {
  readonly valueBytesMax: number;
  readonly compression: CompressionSettings;
  /** A file descriptor set of Protocol Buffers; empty or absent where there is none. */
  readonly messageDescriptorsPath?: string;
}

/** The codecs of one thread that serves. */
export interface ServiceCodec extends ValueCodec {
  /** Why nothing is compressed though it was asked for; for the operator. */
  readonly compressionProblem: string | undefined;
  /** Threads of the pool that there are now. */
  readonly poolThreadCount: number;
}

/** @throws {MessageTypesError} when the file of message types cannot be used */
export async function createValueCodec(
  settings: CodecSettings,
  loadLibrary: typeof loadLz4 = loadLz4,
): Promise<ServiceCodec> {
  const { valueBytesMax, compression, messageDescriptorsPath: path = '' } = settings;
  const descriptorSet = path === '' ? undefined : await readDescriptorSet(path);
  const types = new MessageTypes(descriptorSet);
  const { library: lz4, problem } = await loadLibrary();
  const pool = new CodecPool(compression.poolThreadCount, { valueBytesMax, descriptorSet });
  const inflater = new BodyInflater(valueBytesMax);
  const tools = { lz4, types, valueBytesMax };
  const runner = new WorkRunner(tools, pool, inflater, compression.poolThresholdBytes);
  const packsFromBytes =
    compression.kind === 'off' || lz4 === undefined
      ? Number.POSITIVE_INFINITY
      : compression.thresholdBytes;
  const compressionProblem = compression.kind === 'off' ? undefined : problem;
  return new Codec({ pool, runner, types, packsFromBytes, compressionProblem });
}

interface CodecParts {
  readonly pool: CodecPool;
  readonly runner: WorkRunner;
  readonly types: MessageTypes;
  /** `Infinity` where nothing is compressed. */
  readonly packsFromBytes: number;
  readonly compressionProblem: string | undefined;
}

/** Work on a body, written out: objects made by spreading cost more than a small body's check. */
function workOnBody(
  bytes: Uint8Array,
  { kind, messageType }: Pick<BodyForm, 'kind' | 'messageType'>,
  steps: { readonly unpacks: boolean; readonly packs: boolean },
): CodecWork {
  const { unpacks, packs } = steps;
  return { kind, messageType, bytes, unpacks, checks: true, target: undefined, packs };
}

const PACKS = { unpacks: false, packs: true };
const UNPACKS = { unpacks: true, packs: false };
const NO_STEPS = { unpacks: false, packs: false };

class Codec implements ServiceCodec {
  readonly compressionProblem: string | undefined;
  private readonly pool: CodecPool;
  private readonly runner: WorkRunner;
  private readonly packsFromBytes: number;
  private readonly forms = new ValueForms();
  private readonly plans: Plans;

  constructor({ pool, runner, types, packsFromBytes, compressionProblem }: CodecParts) {
    this.pool = pool;
    this.runner = runner;
    this.packsFromBytes = packsFromBytes;
    this.compressionProblem = compressionProblem;
    this.plans = new Plans(this.forms, (messageType) => types.has(messageType));
  }

  get poolThreadCount(): number {
    return this.pool.threadCount;
  }

  admit({ bytes, contentType: typeText, contentEncoding }: GivenBody): Maybe<StoredValue> {
    const form = readBodyForm(typeText, contentEncoding);
    const { coding, contentType } = form;
    if (coding === 'identity') {
      const stored = { bytes, storedType: contentType };
      const work = workOnBody(bytes, form, this.packs(bytes) ? PACKS : NO_STEPS);
      return andThen(this.runner.run(work), (outcome) => pick(outcome, stored));
    }
    // Bodies that are compressed stay as they came: clients that take the coding get them so.
    const stored = {
      bytes,
      storedType: writeStoredType(coding, contentType ?? DEFAULT_CONTENT_TYPE),
    };
    if (coding !== 'lz4') {
      const work = workOnBody(bytes, form, NO_STEPS);
      return this.runner.runInflated(work, coding).then((outcome) => keep(outcome, stored));
    }
    const outcome = this.runner.run(workOnBody(bytes, form, UNPACKS));
    return andThen(outcome, (result) => keep(result, stored));
  }

  admitJson(text: Uint8Array): Maybe<StoredValue> {
    const stored = { bytes: text, storedType: JSON_TYPE };
    if (!this.packs(text)) return stored;
    const outcome = this.runner.run({
      kind: 'json',
      messageType: undefined,
      bytes: text,
      unpacks: false,
      checks: false,
      target: undefined,
      packs: true,
    });
    return andThen(outcome, (result) => pick(result, stored));
  }

  isPlain(storedType: string | undefined): boolean {
    return this.forms.read(storedType).isPlain;
  }

  asStored(
    storedType: string | undefined,
    accept: string,
    acceptEncoding: string,
  ): SentForm | undefined {
    return this.plans.find(storedType, accept, acceptEncoding).asStored;
  }

  present(value: StoredValue, { accept, acceptEncoding }: Wish): Maybe<PresentedValue> {
    const plan = this.plans.find(value.storedType, accept, acceptEncoding);
    const { asStored, form, target } = plan;
    if (asStored !== undefined) return { bytes: value.bytes, ...asStored };
    if (plan.refusesAll) {
      throw notAcceptable('Accept-Encoding refuses the stored coding and identity as well');
    }
    const decoded = this.runner.decode(value.bytes, form, target);
    return andThen(decoded, (result) => label(result, plan));
  }

  toJson(value: StoredValue): Maybe<JsonMember> {
    const form = this.forms.read(value.storedType);
    const target = form.kind === 'raw' || form.kind === 'json' ? undefined : 'json';
    const decoded = this.runner.decode(value.bytes, form, target);
    return andThen(decoded, ({ bytes, obstacle }) => {
      const isBase64 = form.kind === 'raw' || obstacle !== undefined;
      return { text: isBase64 ? encodeBase64(bytes) : bytes, isBase64 };
    });
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private packs(bytes: Uint8Array): boolean {
    return bytes.length >= this.packsFromBytes;
  }
}

/** What was compressed, or what was given where that did not save enough. */
function pick(outcome: CodecOutcome, given: StoredValue): StoredValue {
  if (outcome.kind !== 'done') return keep(outcome, given);
  const { storedType = DEFAULT_CONTENT_TYPE } = given;
  return { bytes: outcome.bytes, storedType: writeStoredType('lz4', storedType) };
}

/** What was given, once it was found sound. */
function keep(outcome: CodecOutcome, given: StoredValue): StoredValue {
  if (outcome.kind === 'refused') throw new RequestError(outcome.code, outcome.message);
  return given;
}

function label({ bytes, obstacle }: DecodedValue, plan: Plan): PresentedValue {
  if (obstacle === undefined) {
    return { bytes, contentType: plan.contentType, contentEncoding: undefined };
  }
  if (!plan.takesStored) throw notAcceptable(`it would change the value: ${obstacle}`);
  return { bytes, contentType: plan.form.contentType, contentEncoding: undefined };
}

function encodeBase64(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  return encodeText(`"${text}"`);
}

function notAcceptable(reason: string): RequestError {
  return new RequestError('ERR_HTTP_NOT_ACCEPTABLE', `there is no acceptable form: ${reason}`);
}
