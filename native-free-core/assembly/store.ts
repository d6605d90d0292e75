// The one door to shared memory: every store of the core goes through these helpers, so that a
// build variant (TRAP_STORES) can stop a command after any store and tests can look at what it
// left behind. In the normal build they compile to the bare instruction.

let storesLeft: i32 = 0;

/** Trap build only: the n-th store from now traps; 0 disarms. */
export function trapAfterStores(count: i32): void {
  storesLeft = count;
}

/** Trap build only: stores still allowed. */
export function storesUntilTrap(): i32 {
  return storesLeft;
}

@inline
function countStore(): void {
  if (isDefined(TRAP_STORES)) {
    if (storesLeft > 0) {
      storesLeft -= 1;
      if (storesLeft == 0) unreachable();
    }
  }
}

@inline
export function put8(address: usize, value: u32): void {
  countStore();
  store<u8>(address, <u8>value);
}

@inline
export function put16(address: usize, value: u32): void {
  countStore();
  store<u16>(address, <u16>value);
}

@inline
export function put32(address: usize, value: u32): void {
  countStore();
  store<u32>(address, value);
}

@inline
export function put64(address: usize, value: u64): void {
  countStore();
  store<u64>(address, value);
}

@inline
export function putF64(address: usize, value: f64): void {
  countStore();
  store<f64>(address, value);
}

@inline
export function put128(address: usize, value: v128): void {
  countStore();
  v128.store(address, value);
}

/** Sequentially consistent store: what was stored before is visible to whoever sees this. */
@inline
export function publish32(address: usize, value: u32): void {
  countStore();
  atomic.store<u32>(address, value);
}

/**
 * Ordered store: whoever sees it sees what was stored before. A plain one where the processor
 * keeps stores in order, which costs a fraction; it does not hold back later loads.
 */
@inline
export function release32(address: usize, value: u32): void {
  if (isDefined(WEAK_MEMORY)) publish32(address, value);
  else put32(address, value);
}

/** Sequentially consistent store of a float. */
@inline
export function publishF64(address: usize, value: f64): void {
  countStore();
  atomic.store<u64>(address, reinterpret<u64>(value));
}

/** Replaces a float if it is still what was seen; true when it was. */
@inline
export function replaceF64(address: usize, seen: f64, value: f64): bool {
  countStore();
  const expected = reinterpret<u64>(seen);
  return atomic.cmpxchg<u64>(address, expected, reinterpret<u64>(value)) == expected;
}

@inline
export function swap32(address: usize, expected: u32, value: u32): u32 {
  countStore();
  return atomic.cmpxchg<u32>(address, expected, value);
}

@inline
export function add32(address: usize, value: u32): u32 {
  countStore();
  return atomic.add<u32>(address, value);
}

@inline
export function add64(address: usize, value: u64): u64 {
  countStore();
  return atomic.add<u64>(address, value);
}

/** Replaces a word if it is still what was seen; true when it was. */
@inline
export function replace64(address: usize, seen: u64, value: u64): bool {
  countStore();
  return atomic.cmpxchg<u64>(address, seen, value) == seen;
}

@inline
export function or64(address: usize, value: u64): void {
  countStore();
  atomic.or<u64>(address, value);
}

@inline
export function and64(address: usize, value: u64): void {
  countStore();
  atomic.and<u64>(address, value);
}

/** Bulk zero; one store to the trap build, so that what it leaves is all or nothing. */
@inline
export function zero(address: usize, bytes: usize): void {
  countStore();
  memory.fill(address, 0, bytes);
}

/** Bulk copy; one store to the trap build. */
@inline
export function copyBulk(target: usize, source: usize, bytes: usize): void {
  countStore();
  memory.copy(target, source, bytes);
}
