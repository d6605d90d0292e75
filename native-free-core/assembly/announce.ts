// Tells a caller that commands of its were answered.

import { THREAD_COMPLETIONS, THREAD_WAITING } from "./layout";
import { add32 } from "./store";

/** Wakes the caller in a slot if it sleeps. */
export function announce(slot: usize): void {
  add32(slot + THREAD_COMPLETIONS, 1);
  if (atomic.load<u32>(slot + THREAD_WAITING) != 0) atomic.notify(slot + THREAD_COMPLETIONS, 1);
}
