/**
 * What the service does for its clients, by the names that metrics and log lines use: a fixed list,
 * so that no request can add to it.
 */
export const OPERATION_NAMES = [
  'get',
  'head',
  'set',
  'delete',
  'set_ttl',
  'batch_get',
  'batch_set',
  'batch_delete',
  'invalidate',
  'list_keys',
  'subscribe',
  'unsubscribe',
  'status',
] as const;

export type OperationName = (typeof OPERATION_NAMES)[number];
