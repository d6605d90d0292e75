import type { DrainOutcome } from '../lifecycle.js';

/** What a thread that serves is asked to do. */
export type ThreadRequest = { readonly kind: 'stop' } | { readonly kind: 'hasten' };

/** What it tells. */
export type ThreadReport =
  | { readonly kind: 'serving' }
  | {
      /** It could not start, or met an error that nobody caught; it ends by itself after this. */
      readonly kind: 'failed';
      /** Whether the message is for an operator, as of an address that is taken. */
      readonly isExpected: boolean;
      readonly message: string;
      readonly stack: string | undefined;
    }
  | { readonly kind: 'stopped'; readonly outcome: DrainOutcome };
