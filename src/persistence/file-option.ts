/** The option `persistence` where it names a file, complete. */
export interface FileOption {
  readonly kind: 'file';
  readonly path: string;
  readonly stale: 'load' | 'drop';
}
