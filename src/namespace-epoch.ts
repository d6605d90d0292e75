import {
  HEADER_NAMESPACES,
  NAMESPACE_BYTES,
  NAMESPACE_EPOCH,
} from '../native-free-core/assembly/layout.js';
import type { ThreadSession } from './thread-session.js';

/** Where the epoch of a namespace lies, in 32-bit words. */
export function epochIndexOf(session: ThreadSession, namespaceId: number): number {
  const entry =
    session.arena.view.getUint32(HEADER_NAMESPACES, true) + namespaceId * NAMESPACE_BYTES;
  return (entry + NAMESPACE_EPOCH) / 4;
}

/** Present epoch of a namespace: it counts the clears. */
export function namespaceEpoch(session: ThreadSession, namespaceId: number): number {
  return session.arena.view.getUint32(epochIndexOf(session, namespaceId) * 4, true);
}
