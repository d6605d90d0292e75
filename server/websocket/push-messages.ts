import type { Change } from '../changes/change-feed.js';
import type { FrameFormat, MessageObject, MessageValue } from './frame-format.js';

/** Why a client must drop all of its copies. */
export type ResyncReason = 'slow' | 'gap';

/**
 * The messages that one change becomes: encoded once for all sockets of a format that are told the
 * same.
 */
export class PushMessages {
  private readonly change: Exclude<Change, { kind: 'gap' }>;
  private readonly encoded = new Map<FrameFormat, Map<readonly string[] | undefined, Uint8Array>>();

  constructor(change: Exclude<Change, { kind: 'gap' }>) {
    this.change = change;
  }

  /** @param keys which keys, for a change of keys; lists are told apart as objects */
  encode(format: FrameFormat, keys: readonly string[] | undefined): Uint8Array {
    let messages = this.encoded.get(format);
    if (messages === undefined) {
      messages = new Map();
      this.encoded.set(format, messages);
    }
    let message = messages.get(keys);
    if (message === undefined) {
      message = format.write(this.compose(keys));
      messages.set(keys, message);
    }
    return message;
  }

  private compose(keys: readonly string[] | undefined): MessageObject {
    const { change } = this;
    const message = new Map<string, MessageValue>([
      ['event', 'invalidate'],
      ['namespace', change.namespace],
    ]);
    if (change.kind === 'keys') message.set('keys', keys ?? change.keys);
    else message.set(change.kind, change.text);
    return message;
  }
}

/** Tells a client that it may have missed something. */
export function composeResync(reason: ResyncReason): MessageObject {
  return new Map([
    ['event', 'resync'],
    ['reason', reason],
  ]);
}
