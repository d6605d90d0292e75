// The report of a check: pairs of u32, code and address, written past the store helpers, since a
// check is no command. `../verify-report.ts` words the codes.

let reportAt: usize = 0;
let reportRoom: u32 = 0;
let count: u32 = 0;

/** Begins a report of at most `room` findings. */
export function beginReport(target: usize, room: u32): void {
  reportAt = target;
  reportRoom = room;
  count = 0;
}

/** Reports one broken invariant. */
export function report(code: u32, address: usize): void {
  count += 1;
  if (count > reportRoom) return;
  store<u32>(reportAt, code);
  store<u32>(reportAt + 4, <u32>address);
  reportAt += 8;
}

/** Findings of this report, also those that had no room. */
export function findings(): u32 {
  return count;
}
