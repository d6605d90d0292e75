/**
 * What changed in the cache, told to those who keep copies elsewhere. The feed spans all threads of
 * the service. Expiry and eviction are no changes: copies carry their own end.
 */

/** Something that copies may be out of date by. */
export type Change =
  | {
      readonly kind: 'keys';
      /** Empty for the default namespace. */
      readonly namespace: string;
      readonly keys: readonly string[];
      readonly action: 'update' | 'delete';
      /** Tags that the keys were given by an update. */
      readonly tags: readonly string[];
    }
  | {
      /** Whatever a prefix, a glob or a tag names was removed. */
      readonly kind: 'prefix' | 'glob' | 'tag';
      readonly namespace: string;
      readonly text: string;
    }
  /** Changes may have been lost: every copy is in doubt. */
  | { readonly kind: 'gap' };

export interface ChangeFeed {
  /**
   * Whether anybody in any thread listens. Read after a change was applied: whoever subscribed
   * before that change has been counted by then.
   */
  readonly isWatched: boolean;
  /**
   * Tells every listener in every thread, this one's before the call returns. To be called once a
   * change was applied and before its author is answered; also when its outcome is unknown.
   */
  publish(change: Change): void;
  /** Listens until the function that it gives is called. Listeners must not throw. */
  listen(listener: (change: Change) => void): () => void;
}
