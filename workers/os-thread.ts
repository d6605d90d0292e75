import { existsSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * A thread as the operating system knows it. The start time tells it from a later thread that was
 * given the same id.
 */
export interface OsThread {
  /** The kernel's id of the thread. */
  readonly threadId: number;
  /** When it started, in the kernel's clock ticks since boot. */
  readonly startTime: number;
}

// Fields of /proc/…/stat behind the thread's name, which may itself hold blanks and parentheses:
// the state is field 3 of the line, the start time field 22.
const STATE_FIELD = 0;
const START_TIME_FIELD = 22 - 3;

/** The calling thread, or `undefined` where the system has no /proc. */
export function currentThread(): OsThread | undefined {
  let link: string;
  try {
    link = readlinkSync('/proc/thread-self');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  const threadId = Number(link.slice(link.lastIndexOf('/') + 1));
  const fields = statFields(readFileSync('/proc/thread-self/stat', 'latin1'));
  return { threadId, startTime: Number(fields[START_TIME_FIELD]) };
}

/**
 * Whether a thread of this process still runs. Only the absence of the thread counts as its end:
 * when the system cannot say (no /proc, no file descriptor left) the answer is `true`, because
 * nothing may ever be taken from a live thread. Without a start time a later thread with the same
 * id counts as well.
 */
export function isThreadAlive(threadId: number, startTime: number | undefined): boolean {
  let line: string;
  try {
    line = readFileSync(`/proc/self/task/${threadId}/stat`, 'latin1');
  } catch (error) {
    return !isGone(error) || !existsSync('/proc/thread-self');
  }
  const fields = statFields(line);
  const state = fields[STATE_FIELD];
  if (state === 'Z' || state === 'X') return false;
  return startTime === undefined || Number(fields[START_TIME_FIELD]) === startTime;
}

function statFields(line: string): string[] {
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

/** No such file, or (while it was read) no such thread any more. */
function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH';
}
