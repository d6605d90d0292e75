import {
  HEADER_NAMESPACES,
  NAMESPACE_BYTES,
  NAMESPACE_EPOCH,
} from '../native-free-core/assembly/layout.js';
import type { ThreadSession } from './thread-session.js';

/** Present epoch of a namespace: it counts the clears. */
export function namespaceEpoch(session: ThreadSession, namespaceId: number): number {
  const entry =
    session.arena.view.getUint32(HEADER_NAMESPACES, true) + namespaceId * NAMESPACE_BYTES;
  return session.arena.view.getUint32(entry + NAMESPACE_EPOCH, true);
}
