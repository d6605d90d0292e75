import { parseQualityList, QUALITY_MAX, type QualityItem } from './quality-list.js';
import type { SentForm, StoredCoding } from './stored-value.js';
import { JSON_TYPE, MESSAGE_PACK_TYPES, type ValueForm, type ValueForms } from './value-form.js';

/** What a stored type and the wish of a client come to. */
export interface Plan {
  readonly form: ValueForm;
  /** Set when the stored bytes go out as they are. */
  readonly asStored: SentForm | undefined;
  /** What the value becomes; `undefined` when it is only decompressed, or not touched. */
  readonly target: 'json' | 'message-pack' | undefined;
  /** The media type of what goes out. */
  readonly contentType: string;
  /** Whether the client takes the stored media type too, where the conversion turns out to fail. */
  readonly takesStored: boolean;
  /** Whether the client takes neither the stored coding nor bytes without one. */
  readonly refusesAll: boolean;
}

/** Plans are found again by their three texts; longer ones are made anew. */
const PLAN_KEY_LENGTH_MAX = 512;
const PLANS_MAX = 256;

/** Whether Protocol Buffers of a type can be converted. */
export type KnowsMessage = (messageType: string) => boolean;

/** Decides what goes out; each combination of stored type and wish is decided once. */
export class Plans {
  private readonly forms: ValueForms;
  private readonly knowsMessage: KnowsMessage;
  private readonly plans = new Map<string, Plan>();
  private lastType: string | undefined;
  private lastAccept = '';
  private lastAcceptEncoding = '';
  private lastPlan: Plan | undefined;

  constructor(forms: ValueForms, knowsMessage: KnowsMessage) {
    this.forms = forms;
    this.knowsMessage = knowsMessage;
  }

  find(storedType: string | undefined, accept: string, acceptEncoding: string): Plan {
    if (
      this.lastPlan !== undefined &&
      this.lastType === storedType &&
      this.lastAccept === accept &&
      this.lastAcceptEncoding === acceptEncoding
    ) {
      return this.lastPlan;
    }
    const plan = this.look(storedType, accept, acceptEncoding);
    this.lastType = storedType;
    this.lastAccept = accept;
    this.lastAcceptEncoding = acceptEncoding;
    this.lastPlan = plan;
    return plan;
  }

  private look(storedType: string | undefined, accept: string, acceptEncoding: string): Plan {
    // No header holds a line feed, so that no two combinations give one key.
    const key = `${storedType ?? ''}\n${accept}\n${acceptEncoding}`;
    const known = this.plans.get(key);
    if (known !== undefined) return known;
    const form = this.forms.read(storedType);
    const plan = makePlan(form, accept, acceptEncoding, this.knowsMessage);
    if (key.length > PLAN_KEY_LENGTH_MAX) return plan;
    if (this.plans.size >= PLANS_MAX) this.plans.clear();
    this.plans.set(key, plan);
    return plan;
  }
}

function makePlan(
  form: ValueForm,
  accept: string,
  acceptEncoding: string,
  knowsMessage: KnowsMessage,
): Plan {
  const ranges = parseQualityList(accept);
  const storedQuality = qualityOfType(ranges, form.essence);
  const best = findConversion(form, ranges, storedQuality, knowsMessage);
  const target = best?.target;
  const contentType = best?.contentType ?? form.contentType;
  const sent = target === undefined ? chooseCoding(form.coding, acceptEncoding) : 'identity';
  const goesAsStored = target === undefined && sent === form.coding;
  const contentEncoding = form.coding === 'identity' ? undefined : form.coding;
  return {
    form,
    asStored: goesAsStored ? { contentType, contentEncoding } : undefined,
    target,
    contentType,
    takesStored: storedQuality > 0,
    refusesAll: sent === undefined,
  };
}

interface Conversion {
  /** `undefined` where another name of the same bytes is all that is asked for. */
  readonly target: 'json' | 'message-pack' | undefined;
  readonly contentType: string;
}

/** The form that the client likes better than the stored one, if there is one. */
function findConversion(
  form: ValueForm,
  ranges: readonly QualityItem[],
  storedQuality: number,
  knowsMessage: KnowsMessage,
): Conversion | undefined {
  let best: Conversion | undefined;
  let bestQuality = storedQuality;
  for (const { target, names } of listConversions(form, knowsMessage)) {
    for (const contentType of names) {
      const quality = qualityOfType(ranges, contentType);
      if (quality <= bestQuality) continue;
      best = { target, contentType };
      bestQuality = quality;
    }
  }
  return best;
}

function listConversions(
  { kind, messageType }: ValueForm,
  knowsMessage: KnowsMessage,
): { target: Conversion['target']; names: readonly string[] }[] {
  const asJson = { target: kind === 'json' ? undefined : 'json', names: [JSON_TYPE] } as const;
  const asMessagePack = {
    target: kind === 'message-pack' ? undefined : 'message-pack',
    names: MESSAGE_PACK_TYPES,
  } as const;
  if (kind === 'json' || kind === 'message-pack') return [asJson, asMessagePack];
  if (kind === 'protobuf' && knowsMessage(messageType ?? '')) return [asJson];
  return [];
}

/** The weight of the most exact range that holds the type; without ranges everything is liked. */
function qualityOfType(ranges: readonly QualityItem[], essence: string): number {
  if (ranges.length === 0) return QUALITY_MAX;
  const family = `${essence.slice(0, essence.indexOf('/'))}/*`;
  return (
    ranges.find(({ name }) => name === essence)?.quality ??
    ranges.find(({ name }) => name === family)?.quality ??
    ranges.find(({ name }) => name === '*/*')?.quality ??
    0
  );
}

/** The coding in which the value goes out; `undefined` when the client takes none that there is. */
function chooseCoding(coding: StoredCoding, acceptEncoding: string): StoredCoding | undefined {
  // Bytes without a coding are the last resort of everybody: refusing them is heeded only where
  // there is something else.
  if (coding === 'identity') return 'identity';
  const items = parseQualityList(acceptEncoding);
  const any = items.find(({ name }) => name === '*')?.quality;
  const alias = coding === 'gzip' ? 'x-gzip' : coding;
  const named = items.find(({ name }) => name === coding || name === alias)?.quality;
  // LZ4 is no registered coding: nobody means it who asks for whatever there is.
  const codingQuality = named ?? (coding === 'lz4' ? 0 : (any ?? 0));
  const identity = items.find(({ name }) => name === 'identity')?.quality;
  if (codingQuality > 0 && codingQuality >= (identity ?? 0)) return coding;
  return (identity ?? (any === 0 ? 0 : 1)) > 0 ? 'identity' : undefined;
}
