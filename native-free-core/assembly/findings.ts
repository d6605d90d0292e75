// Report of a check: pairs of u32, code and address, written past the store helpers, since a check
// is no command.

let reportAt: usize = 0;
let reportRoom: u32 = 0;
/** Findings so far, those without room in the report too. */
export let findings: u32 = 0;

/** Begins a report of `room` findings at most. */
export function beginReport(target: usize, room: u32): void {
  reportAt = target;
  reportRoom = room;
  findings = 0;
}

/** Notes a finding; `../verify-report.ts` words the codes. */
export function report(code: u32, address: usize): void {
  findings += 1;
  if (findings > reportRoom) return;
  store<u32>(reportAt, code);
  store<u32>(reportAt + 4, <u32>address);
  reportAt += 8;
}
