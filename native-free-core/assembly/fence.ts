// Ordering of plain loads and stores around the atomic ones.
//
// x86-64 reorders neither loads with loads nor stores with stores, so nothing is needed there.
// On weakly ordered processors the WEAK_MEMORY build calls an imported function that executes
// `atomic.fence`: the compiler of this module drops that instruction at -O3.

@external("host", "fence")
declare function hostFence(): void;

@inline
export function fence(): void {
  if (isDefined(WEAK_MEMORY)) hostFence();
}
