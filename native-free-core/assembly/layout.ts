// Where every byte of the arena lies. Offsets only; each structure's file holds its algorithm.
//
// One shared WebAssembly memory, declared whole at creation:
//
//   0            header          constants of the arena, clock, registry counters     4 KiB
//   routing      slot table      shard of each of the 4,096 key slots                 4 KiB
//   class lookup                 size class by item size in 8-byte units
//   namespaces   registry        epoch and name of each namespace                     64 KiB
//   names        name bytes      append only; 1/128 of the memory, at most 516 KiB
//   stamps       tag stamps      numbers of the latest invalidations of tags          32 KiB
//   threads      thread slots    identity, hazard word, counters, scratch areas
//   shards       shard headers   owner, work, index root, lists, wheel, stripes
//   directory    page directory  state of every page: with the items, THE TRUTH
//   changes      change counts   of every page, for who copies it while it is written to
//   pages        pages           items, index segments, rings, large values
//
// Addresses are bytes and fit 32 bits; references are addresses in units of 8 bytes, 0 = none.
// Fields that different threads write often lie 128 bytes apart (two cache lines: the
// adjacent-line prefetcher pairs them); words that are written together, or seldom, share one.
// "holder" is the thread whose id stands in the shard's owner word.

export const ARENA_MAGIC: u32 = 0x48534844; // "HSHD"
export const ARENA_LAYOUT_VERSION: u32 = 3; // raise it with every change of this file
export const LINE_BYTES: u32 = 128; // two cache lines

// ── Header ──────────────────────────────────────────────────────────────────────────────────
// Written once by the creator before anybody attaches; constant afterwards, but for the two
// marked lines.
export const HEADER_MAGIC: u32 = 0; // ARENA_MAGIC, stored last
export const HEADER_VERSION: u32 = 4; // ARENA_LAYOUT_VERSION
export const HEADER_LIMIT_BYTES: u32 = 8; // the whole arena
export const HEADER_SHARD_COUNT: u32 = 12; // 1 to SHARD_MAX
export const HEADER_THREAD_SLOTS: u32 = 16; // at most THREAD_SLOTS_MAX
export const HEADER_PAGE_BYTES: u32 = 20; // a power of two
export const HEADER_PAGE_SHIFT: u32 = 24; // its logarithm
export const HEADER_SCRATCH_BYTES: u32 = 28; // largest value that is copied, not pinned
export const HEADER_ROUTING: u32 = 32; // address of the slot table
export const HEADER_NAMESPACES: u32 = 36; // address of the registry
export const HEADER_NAMES: u32 = 40; // address of the names area
export const HEADER_NAMES_BYTES: u32 = 44; // its size
export const HEADER_THREADS: u32 = 48; // address of the thread slots
export const HEADER_THREAD_BYTES: u32 = 52; // size of one slot
export const HEADER_DIRECTORY: u32 = 56; // address of the page directory
export const HEADER_PAGE_COUNT: u32 = 60; // pages of all shards
export const HEADER_PAGES: u32 = 64; // address of the first page
export const HEADER_SHARDS: u32 = 68; // address of the shard headers
export const HEADER_SHARD_BYTES: u32 = 72; // size of one shard header
export const HEADER_STRIPES: u32 = 76; // stripes of one shard, a power of two
export const HEADER_INLINE_BYTES: u32 = 80; // key + content type + value kept in one chunk
export const HEADER_CLASS_COUNT: u32 = 84; // size classes in use
export const HEADER_CLASS_LOOKUP: u32 = 88; // address of the class lookup
export const HEADER_MAX_VALUE_BYTES: u32 = 92; // largest value
export const HEADER_HASH_SEED: u32 = 96; // u64, random for each arena
export const HEADER_CREATOR_OS_ID: u32 = 112; // f64, task of the creating thread, 0 = not known
export const HEADER_CREATOR_OS_START: u32 = 120; // f64, its start time
// Line of the clock: written by the ticker and by threads that refresh it.
export const HEADER_TIME_MS: u32 = 128; // f64, +infinity while nobody ticks
// Line of the registries.
export const HEADER_NAMESPACE_COUNT: u32 = 256; // names published
export const HEADER_NAMES_USED: u32 = 260; // bytes of the names area claimed
export const HEADER_CLEARS: u32 = 264; // namespaces cleared so far, modulo 2^32
export const HEADER_ATTACHED: u32 = 268; // threads attached now
export const HEADER_STOP: u32 = 272; // 1 = home workers leave their loop
export const HEADER_TICKER_SLOT: u32 = 276; // thread slot + 1 of the ticking worker
// Line of leases and invalidations.
export const HEADER_INVALIDATIONS: u32 = 280; // u64, number of the latest invalidation of a tag
export const HEADER_LEASE_TOKENS: u32 = 288; // u64, leases granted in all shards: the last token
export const HEADER_STAMPS: u32 = 296; // u32, constant: address of the tag stamps
// Constants of the eviction policy.
export const HEADER_POLICY: u32 = 312; // POLICY_LRU and the following
export const HEADER_FILTER_PAGES: u32 = 316; // most pages of one shard's filter
export const HEADER_FILTER_BLOCKS: u32 = 320; // blocks of a filter in use in each of its pages
export const HEADER_SHADOW_ENTRIES: u32 = 324; // room of a shadow, a power of two, 0 = not `lfu`
// Constant as well.
export const HEADER_PAGE_CHANGES: u32 = 376; // address of the change counts (u32 of each page), 0 = none
export const HEADER_CLASS_STRIDES: u32 = 512; // u32 × CLASS_MAX
export const HEADER_CLASS_CHUNKS: u32 = 768; // u32 × CLASS_MAX, chunks in one page
export const HEADER_BYTES: u32 = 4096; // size of the header

export const SLOT_TABLE_SLOTS: u32 = 4096; // key slots; the top 12 bits of a hash name one
export const SLOT_HASH_SHIFT: u64 = 52; // bits of a hash below the slot number

// ── Tag stamps ──────────────────────────────────────────────────────────────────────────────
// u64 each: number of the latest invalidation of a tag whose hash names the stamp, 0 = none.
export const STAMP_COUNT: u32 = 4096; // a power of two

// ── Size classes ────────────────────────────────────────────────────────────────────────────
export const CLASS_MAX: u32 = 64; // size classes at most
export const CLASS_LARGE: u32 = 63; // values in page lists
export const STRIDE_MIN_BYTES: u32 = 72; // smallest chunk
export const STRIDE_STEP_BYTES: u32 = 8; // up to STRIDE_FINE_BYTES, then growth by 74/64
export const STRIDE_FINE_BYTES: u32 = 256;

// ── Namespace registry: 16 bytes an entry ───────────────────────────────────────────────────
export const NAMESPACE_MAX: u32 = 4097; // 4,096 names, and the key space without one
export const NAMESPACE_EPOCH: u32 = 0; // u32, counts clears
export const NAMESPACE_NAME: u32 = 4; // offset into the names area + 1; 0 = entry not published
export const NAMESPACE_BYTES: u32 = 16; // size of an entry
export const NAMESPACE_NAME_BYTES_MAX: u32 = 128; // of UTF-8

// ── Thread slot ─────────────────────────────────────────────────────────────────────────────
export const THREAD_STATE: u32 = 0; // u32: generation << 8 | THREAD_FREE and the following
export const THREAD_CLAIMANT: u32 = 4; // u32, task id of who claimed it, set with the state; 0 = ?
export const THREAD_OS_ID: u32 = 8; // f64, task id, 0 = not known
export const THREAD_OS_START: u32 = 16; // f64, start time of that task in clock ticks
export const THREAD_CALLS: u32 = 24; // u32: 1 = a thread of callers, 0 = a home worker
export const THREAD_RETURNED: u32 = 28; // u32: old values returned and not released yet
export const THREAD_HAZARD: u32 = 128; // u32 reference of the pinned item, 0 = none
export const THREAD_COMPLETIONS: u32 = 256; // u32, bumped by holders after they ran commands
export const THREAD_WAITING: u32 = 260; // u32, 1 = the caller sleeps on completions
export const THREAD_DOORBELL: u32 = 384; // u32, home workers wait on it
export const THREAD_PARKED: u32 = 388; // u32, 1 = the worker sleeps or is about to
export const THREAD_RETIRED: u32 = 392; // u32, 1 = the worker leaves its loop and its slot
export const THREAD_HEARTBEAT: u32 = 512; // u32, rounds of the worker's loop
// Counters of the thread, u64 each; written by the thread alone.
export const THREAD_HITS: u32 = 640; // reads that found an entry
export const THREAD_MISSES: u32 = 648; // reads that found none
export const THREAD_READ_RETRIES: u32 = 656; // attempts that did not validate
export const THREAD_BUSY_READS: u32 = 664; // reads given up
export const THREAD_DROPPED_TOUCHES: u32 = 672; // hits that no buffer had room for
export const THREAD_INPLACE: u32 = 680; // commands applied by this thread itself
export const THREAD_QUEUED: u32 = 688; // commands sent through a ring
export const THREAD_RING_HIGH: u32 = 696; // most bytes ever waiting in one ring
// Answer of the last read.
export const THREAD_RESULT: u32 = 768; // RESULT_* fields
export const RESULT_EXPIRY_MS: u32 = 0; // f64, +infinity = none
export const RESULT_CREATED_MS: u32 = 16; // f64
export const RESULT_VERSION: u32 = 24; // f64, shard sequence of the write
export const RESULT_VALUE_BYTES: u32 = 32; // u32
export const RESULT_ENCODING: u32 = 36; // u32
export const RESULT_CONTENT_TYPE_BYTES: u32 = 40; // u32
export const RESULT_ITEM: u32 = 44; // u32 reference of the pinned item, 0 when copied
export const RESULT_FIRST: u32 = 48; // u32 address of the first value byte of a pinned item
export const RESULT_STATUS: u32 = 52; // i32
// For copies that the thread keeps (READ_NEAR).
export const RESULT_STRIPE: u32 = 56; // u32 address of the key's stripe
export const RESULT_STRIPE_VERSION: u32 = 60; // u32 its value, by which the read was validated
export const RESULT_REFERENCE: u32 = 64; // u32 reference of the item
export const RESULT_UPPER_HASH: u32 = 68; // u32 upper half of the key's hash
export const THREAD_CONTENT_TYPE: u32 = 896; // 128 bytes, content type of the last read
export const THREAD_RINGS: u32 = 1024; // u32 × SHARD_MAX: address of the ring page per shard
export const THREAD_KEY: u32 = 1280; // key scratch, KEY_BYTES_MAX and room for wide stores
export const THREAD_VALUE: u32 = 2432; // value scratch, HEADER_SCRATCH_BYTES + 64
export const KEY_BYTES_MAX: u32 = 1024; // of UTF-8
export const CONTENT_TYPE_BYTES_MAX: u32 = 127; // of Latin-1
export const THREAD_FREE: u32 = 0;
export const THREAD_ATTACHED: u32 = 1;
export const THREAD_LEAVING: u32 = 2; // its rings are being given back
export const THREAD_ARRIVING: u32 = 3; // its fields are being written
export const NO_THREAD: u32 = 255; // in a page: its thread gave it up, recovery frees it
export const THREAD_SLOTS_MAX: u32 = 64; // bits of the work word
export const SHARD_MAX: u32 = 64; // entries of THREAD_RINGS

// ── Ring page: one per thread and shard ─────────────────────────────────────────────────────
// Commands of one caller to one shard, and its touches of that shard's items.
//
//  field         written by  access          meaning
//  tail          caller      atomic store    record bytes published, modulo 2^32
//  done          holder      atomic store    record bytes answered; tail - done waits
//  taken         holder      atomic store    position + 1 of the record being applied, 0 = none
//  head          caller      plain           record bytes reaped; tail - head <= capacity
//  touch tail    caller      atomic store    touches appended
//  touch head    holder      atomic store    touches drained
export const RING_TAIL: u32 = 0; // see above
export const RING_DONE: u32 = 128; // see above
export const RING_TAKEN: u32 = 132; // see above
export const RING_HEAD: u32 = 256; // see above
export const RING_CLAIMED: u32 = 260; // position of the record being built, caller only
export const RING_TOUCH_TAIL: u32 = 384; // see above
export const RING_TOUCH_HEAD: u32 = 512; // see above
export const RING_RECORDS: u32 = 640; // records: half a page; then touches: a quarter
export const TOUCH_BYTES: u32 = 8; // u32 reference, u32 upper half of the hash
export const TOUCH_MAX: u32 = 2048; // touches of one buffer at most

// ── Record: one command, its own completion ─────────────────────────────────────────────────
//  The record never wraps: a PAD record fills the end of the ring. Largest record: half of it.
export const RECORD_SIZE: u32 = 0; // u32, bytes with padding, multiple of 16
export const RECORD_OPCODE: u32 = 4; // u8
export const RECORD_FLAGS: u32 = 5; // u8
export const RECORD_ENCODING: u32 = 6; // u8; OP_LEASE_END: LEASE_RELEASED and so on
export const RECORD_CONTENT_TYPE_BYTES: u32 = 7; // u8
export const RECORD_KEY_BYTES: u32 = 8; // u16
export const RECORD_NAMESPACE: u32 = 10; // u16
export const RECORD_VALUE_BYTES: u32 = 12; // u32
export const RECORD_HASH: u32 = 16; // u64
export const RECORD_EXPIRY_MS: u32 = 24; // f64
export const RECORD_EPOCH: u32 = 32; // u32 namespace epoch of the call
export const RECORD_STATUS: u32 = 36; // i32 answer, valid once `done` passed the record
export const RECORD_OLD: u32 = 40; // u32 reference of the returned old item, 0 = none
export const RECORD_PAGES: u32 = 44; // u32 first staged page + 1 (large values)
export const RECORD_CREATED_MS: u32 = 48; // f64 time of the call
export const RECORD_GUARD: u32 = 56; // f64 version or token that a set needs; addend, then sum
export const RECORD_KEY: u32 = 64; // key, content type, value follow
export const RECORD_ALIGN: u32 = 16; // of every record

export const OP_PAD: u32 = 0; // fills the end of a ring
export const OP_SET: u32 = 1; // store a value
export const OP_DELETE: u32 = 2; // remove a key
export const OP_TOUCH: u32 = 3; // new expiry
export const OP_STAGE: u32 = 4; // claim pages for a large value
export const OP_RELEASE: u32 = 5; // free a returned old item, or staged pages
export const OP_REMOVE_TAGGED: u32 = 6; // remove the entries that have all the tags named
export const OP_EXPIRE_TAGGED: u32 = 7; // mark them stale
export const OP_SCAN: u32 = 8; // visit some entries of a namespace
export const OP_INCREMENT: u32 = 10; // add to the integer whose text is the value
export const OP_LEASE: u32 = 12; // ask for the lease of a key
export const OP_LEASE_END: u32 = 13; // give a lease up

export const FLAG_ONLY_ABSENT: u32 = 1; // refuse when the key is there
export const FLAG_ONLY_PRESENT: u32 = 2; // refuse when it is not
export const FLAG_KEEP_TTL: u32 = 4; // take over the old expiry
export const FLAG_RETURN_OLD: u32 = 8; // leave the old item to the caller
export const FLAG_LARGE: u32 = 16; // the value lies in staged pages
export const FLAG_VERSION: u32 = 32; // refuse unless the present version is RECORD_GUARD
export const FLAG_TAGGED: u32 = 64; // names of tags follow the value

export const NUMBER_BYTES_MAX: u32 = 17; // of decimal text: a sign and 16 digits
export const ENCODING_NO_TEXT: u32 = 3; // values of this encoding are never counted with

// ── Scan: what an OP_SCAN record carries from RECORD_KEY on ─────────────────────────────────
//  RECORD_ENCODING says what is done, RECORD_FLAGS how keys are compared, RECORD_KEY_BYTES counts
//  the pattern, RECORD_VALUE_BYTES the room for keys. The holder moves the cursor (PLACE, AFTER,
//  PAUSED, STATE) on and leaves its counts; the caller copies it into the next record.
export const SCAN_LIMIT: u32 = 0; // f64, sequence of the youngest item; < 0: the present one
export const SCAN_PLACE: u32 = 8; // f64, bit-reversed hash to go on at; 2^32 = the shard is done
export const SCAN_AFTER: u32 = 16; // f64, sequence of the last item visited in its bucket, or 0
export const SCAN_PAUSED: u32 = 24; // f64, sequence of the item whose match was left, 0 = none
export const SCAN_STATE: u32 = 32; // u64, where that match goes on
export const SCAN_UNITS: u32 = 40; // u32, work that the slice may do; 0 only sets LIMIT
export const SCAN_SCANNED: u32 = 44; // u32, live entries compared
export const SCAN_MATCHED: u32 = 48; // u32, of these: listed, removed, or made stale
export const SCAN_WRITTEN: u32 = 52; // u32, bytes of keys
export const SCAN_PATTERN: u32 = 56; // pattern; then keys, each u16 length and bytes

export const SCAN_LIST: u32 = 0; // leave the keys in the record
export const SCAN_DELETE: u32 = 1; // remove the entries
export const SCAN_EXPIRE: u32 = 2; // make them stale
export const SCAN_GLOB: u32 = 1; // of RECORD_FLAGS: the pattern is a glob, else a prefix

// ── Names of tags in a record ───────────────────────────────────────────────────────────────
//  A set carries them behind its value (behind its key when the value lies in staged pages); an
//  OP_REMOVE_TAGGED or OP_EXPIRE_TAGGED behind its slice. Names that do not fit the record lie in
//  staged pages, behind those of the item: none straddles a page, and a length of 0, or an end
//  with no room for a name's head, says that the next one lies in the next page. No alignment.
export const NAMES_COUNT: u32 = 0; // u8, 1 to TAGS_MAX
export const NAMES_PLACE: u32 = 1; // u8, where they lie: NAMES_INLINE and the following
export const NAMES_FIRST: u32 = 2; // first name, or first reference
export const NAMES_INLINE: u32 = 0; // here, one behind the other
export const NAMES_STAGED: u32 = 1; // in staged pages
export const NAMES_HELD: u32 = 2; // known by the holder: here are references of tags, u32 each
export const NAME_TAG: u32 = 0; // u32 reference, written by the holder
export const NAME_BYTES: u32 = 4; // u16
export const NAME_TEXT: u32 = 6; // UTF-8

// ── Slice of an invalidation by tags ────────────────────────────────────────────────────────
//  At RECORD_KEY of the record. The holder works through the members of one tag for a bounded
//  time and leaves its place, which the caller copies into the record of the next slice.
export const SLICE_MEMBER: u32 = 0; // u32 link of the next member, 0 = begin; after it: 0 = done
export const SLICE_ITEM: u32 = 4; // u32 reference of that member's item
export const SLICE_SEQUENCE: u32 = 8; // f64, that item's sequence: tells whether it is still there
export const SLICE_HORIZON: u32 = 16; // f64, newest sequence that is meant; below 0 = first slice
export const SLICE_AFFECTED: u32 = 24; // u32, live entries that this slice removed or made stale
export const SLICE_NAMES: u32 = 32; // names of the tags
export const FLAG_LEASE: u32 = 128; // refuse unless the lease of RECORD_GUARD still stands

// ── Page directory: 32 bytes a page ─────────────────────────────────────────────────────────
//  state word    kind (8) | class (8) | shard (8) | thread slot (8), one store changes it
//  A page goes free → state words of all its chunks cleared → class, and back by one store.
export const PAGE_STATE: u32 = 0; // u32, see above
export const PAGE_NEXT: u32 = 4; // page + 1 in the list this page is on
export const PAGE_PREV: u32 = 8; // page + 1
export const PAGE_FREE_HEAD: u32 = 12; // reference of the first free chunk
export const PAGE_FREE_COUNT: u32 = 16; // chunks free, carved or not
export const PAGE_CARVED: u32 = 20; // chunks handed out at least once
export const PAGE_LISTED: u32 = 24; // 1 = on the partial list of its class
export const PAGE_MARK: u32 = 28; // round of the recovery that found the page in use
export const PAGE_ENTRY_BYTES: u32 = 32; // size of an entry

export const PAGE_FREE: u32 = 0; // on the free list of its shard
export const PAGE_SLAB: u32 = 1; // chunks of one class
export const PAGE_LARGE_HEAD: u32 = 2; // first page of a large item
export const PAGE_LARGE_MEMBER: u32 = 3; // further page of a large item
export const PAGE_INDEX: u32 = 4; // segment of the index, for good
export const PAGE_OVERFLOW: u32 = 5; // overflow buckets, for good
export const PAGE_RING: u32 = 6; // ring of a thread
export const PAGE_STAGED: u32 = 7; // claimed by a thread for a large value
export const PAGE_DRAINING: u32 = 8; // slab page that is being emptied for another class
export const PAGE_TAG: u32 = 9; // tags of one size, by its class, or chains of the tag table
export const PAGE_SKETCH: u32 = 10; // page of the policy; NEXT: its number there; for good
export const PAGE_LEASE: u32 = 11; // table of leases, for good

// ── Shard ───────────────────────────────────────────────────────────────────────────────────
export const SHARD_OWNER: u32 = 0; // u32: 0 free, else slot + 1 | OWNER_RECOVERS | generation << 8
export const SHARD_WORK: u32 = 128; // u64: bit t = the ring of thread slot t has commands
export const SHARD_HOME: u32 = 256; // u32: thread slot + 1 of the home worker, 0 = none
export const SHARD_WANTED: u32 = 260; // u32: 1 = the home worker asks callers to use rings
export const OWNER_RECOVERS: u32 = 128; // bit of the owner word: its thread rebuilds the shard
// Line that readers load and the holder seldom stores.
export const SHARD_BUCKET_COUNT: u32 = 384; // u32: the table root
export const SHARD_RECENT_STAMP: u32 = 388; // u32: touch stamp of about 100 ms ago
export const SHARD_ID: u32 = 392; // u32, constant
export const SHARD_YOUNG_STAMP: u32 = 396; // u32: items with later stamps are the younger half
// State of the holder.
export const SHARD_ITEMS: u32 = 512; // u32
export const SHARD_ITEMS_MAX: u32 = 516; // u32, 0 = no bound by count
export const SHARD_STAMP: u32 = 520; // u32, counts touches and writes, modulo 2^32
export const SHARD_FREE_PAGES: u32 = 524; // u32
export const SHARD_FREE_PAGE_HEAD: u32 = 528; // page + 1
export const SHARD_PAGE_FIRST: u32 = 532; // u32
export const SHARD_PAGE_COUNT: u32 = 536; // u32
export const SHARD_LIMBO: u32 = 540; // reference, items freed while pinned
export const SHARD_SEQUENCE: u32 = 544; // u64, one per write
export const SHARD_WHEEL_TICK: u32 = 552; // u64
export const SHARD_WHEEL_COUNT: u32 = 560; // u32
export const SHARD_SWEPT_CLEARS: u32 = 564; // u32, HEADER_CLEARS that the last full sweep saw
export const SHARD_SWEEP_PAGE: u32 = 568; // u32, cursor of the sweep, relative to the first page
export const SHARD_SWEEP_CLEARS: u32 = 572; // u32, HEADER_CLEARS when this sweep began
export const SHARD_OVERFLOW_FREE: u32 = 576; // reference of a free overflow bucket
export const SHARD_LAST_SERVED: u32 = 580; // u32, thread slot whose ring was drained last
export const SHARD_CLASS_USED: u32 = 584; // u64, bit c = class c has items
export const SHARD_STAMP_TIME: u32 = 592; // f64, when RECENT_STAMP was last moved on
export const SHARD_NEXT_STAMP: u32 = 600; // u32, stamp that RECENT_STAMP takes next
export const SHARD_OVERFLOWS: u32 = 604; // u32, overflow buckets in chains
export const SHARD_REFUSED_SINCE: u32 = 608; // f64, home worker only: refused since, 0 = not
export const SHARD_OVERFLOW_NEXT: u32 = 616; // u32 address of the next overflow bucket to cut off
export const SHARD_OVERFLOW_END: u32 = 620; // u32 address where that page ends
// Counters, u64 each.
export const SHARD_SETS: u32 = 640; // values stored
export const SHARD_DELETES: u32 = 648; // keys removed by command
export const SHARD_EVICTIONS: u32 = 656; // entries removed to make room
export const SHARD_EXPIRATIONS: u32 = 664; // entries removed because their time was over
export const SHARD_BYTES_USED: u32 = 672; // bytes of chunks and pages that hold items
export const SHARD_PAGES_MOVED: u32 = 680; // pages emptied for another use
export const SHARD_SWEPT: u32 = 688; // items of cleared namespaces removed
// Size classes: 32 bytes each.
export const SHARD_CLASSES: u32 = 768; // CLASS_* fields of each class
export const CLASS_LRU_HEAD: u32 = 0; // reference, newest of its list of queue 0
export const CLASS_LRU_TAIL: u32 = 4; // reference, oldest of its list of queue 0
export const CLASS_PARTIAL: u32 = 8; // page + 1: first page with free chunks
export const CLASS_FREE_CHUNKS: u32 = 12; // of all its pages
export const CLASS_ITEMS: u32 = 16; // on its list of queue 0
export const CLASS_PAGES: u32 = 20; // slab pages of the class
export const CLASS_PRESSURE: u32 = 24; // evictions since pages were last compared
export const CLASS_TOUCHED: u32 = 28; // stamp of the shard at the last hit or link; not of `lru`
export const CLASS_BYTES: u32 = 32; // size of an entry
// Timing wheel.
export const WHEEL_LEVELS: u32 = 6; // each 64 times as coarse as the one below
export const WHEEL_SLOTS: u32 = 64; // of each level
export const WHEEL_TICK_MS: f64 = 8; // of level 0
export const SHARD_WHEEL_OCCUPIED: u32 = 2816; // u64 × WHEEL_LEVELS
export const SHARD_WHEEL: u32 = 2880; // u32 reference × WHEEL_LEVELS × WHEEL_SLOTS
// Parts of their own, each described by its structure.
export const SHARD_TAGS: u32 = 4480; // u32, tags now; 128 bytes for all about them
export const SHARD_TAG_PAGES: u32 = 4484; // u32, pages that hold them and their table
export const SHARD_TAG_CHAINS: u32 = 4488; // u32, chains of the table, 0 = there is none
export const SHARD_TAG_PARTIAL: u32 = 4496; // u32 × TAG_CLASSES: page + 1 with free chunks
export const SHARD_TAG_SEGMENTS: u32 = 4544; // u32 × TAG_SEGMENTS_MAX: pages of chain heads
// Eviction policy: 256 bytes. Not used by `lru`.
export const SHARD_QUEUE_ITEMS: u32 = 4608; // u32 × QUEUES: items of each queue, all classes
export const SHARD_FILTER_PAGES: u32 = 4620; // u32, pages of the filter
// Ghosts, of `s3fifo`.
export const SHARD_GHOSTS: u32 = 4624; // u32, ghosts that count
export const SHARD_GHOST_UNIT: u32 = 4628; // u32, unit of the newest ghosts, counted from 0
export const SHARD_GHOST_OLDEST: u32 = 4632; // u32, unit of the oldest ghosts that count
export const SHARD_GHOST_FILL: u32 = 4636; // u32, ghosts that the newest unit was given
// Frequency sketch and window, of `lfu`.
export const SHARD_SKETCH_EPOCH: u32 = 4640; // u32, counts halvings
export const SHARD_SKETCH_ADDITIONS: u32 = 4644; // u32, of this sample
export const SHARD_WINDOW: u32 = 4648; // u32, size of the window, WINDOW_FIRST and the following
export const SHARD_BY_CLASS: u32 = 4652; // u32, 1 = memory is short, not the count of items
export const SHARD_RANDOM: u32 = 4656; // u32, state of the generator, 0 = not seeded
export const SHARD_SHADOW_PAGES: u32 = 4660; // u32, pages of the shadows
export const SHARD_SHADOW_ENTRIES: u32 = 4664; // u32, entries that each shadow simulates
export const SHARD_SAMPLE_BOUND: u32 = 4668; // u32, keys up to this one are simulated
export const SHARD_SAMPLED: u32 = 4672; // u32, simulated accesses of this period
export const SHARD_SCORED: u32 = 4680; // f64, simulated accesses that the scores stand for
export const SHARD_SCORES: u32 = 4688; // f64 × SHADOWS: decayed hits of each shadow
// Recovery, 128 bytes from here on: written by the thread that recovers the shard.
export const SHARD_RECOVERY_PHASE: u32 = 4864; // u32: what is being rebuilt, 0 = nothing
export const SHARD_RECOVERY_CURSOR: u32 = 4868; // u32: bucket, page or cell that is next
export const SHARD_RECOVERY_SUB: u32 = 4872; // u32: fine cells of the present cell left
export const SHARD_RECOVERY_SLICE: u32 = 4876; // u32: 1 = a slice is under way
export const SHARD_RECOVERY_ROUND: u32 = 4880; // u32: counts beginnings; marks pages in use
export const SHARD_RECOVERY_AGE_MAX: u32 = 4884; // u32: age of the oldest item in stamps
export const SHARD_RECOVERY_STAMP: u32 = 4888; // u32: stamp of the last item that was enlisted
export const SHARD_RECOVERY_KEPT: u32 = 4892; // u32: entries that the last recovery kept
export const SHARD_RECOVERY_DROPPED: u32 = 4896; // u32: items that it freed, in no index entry
export const SHARD_RECOVERY_REASON: u32 = 4900; // u32: 1 = the holder died, 2 = it was cut off
export const SHARD_RECOVERY_COUNT: u32 = 4904; // u32: recoveries that were ended
export const SHARD_RECOVERY_HOLDER: u32 = 4908; // u32: thread slot + 1 of who held it
export const SHARD_RECOVERY_STARTED_MS: u32 = 4912; // f64: when the last one began
export const SHARD_RECOVERY_READS_MS: u32 = 4920; // f64: when all reads were back
export const SHARD_RECOVERY_WRITES_MS: u32 = 4928; // f64: when the shard was free again
export const SHARD_LEASES_ACTIVE: u32 = 4992; // u32, leases granted now
export const SHARD_LEASES_CURSOR: u32 = 4996; // u32, where leases whose time is over are looked for
export const SHARD_LEASES_TABLES: u32 = 5000; // u32 address × LEASE_TABLES_MAX, 0 = none
export const SHARD_LEASES_GRANTED: u32 = 5016; // u64, since the shard's birth, like the next three
export const SHARD_LEASES_VOIDED: u32 = 5024; // u64, leases that another than their holder ended
export const SHARD_LEASES_REFUSED: u32 = 5032; // u64, fills that came too late
export const SHARD_LEASES_WAITS: u32 = 5040; // u64, requests that found another's lease
// Lists of queues 1 and 2, QUEUE_CLASS_BYTES each class: two records that interlock, one at 0
// (head at 0, tail at 4, items at 16), one at QUEUE_RECORD_BYTES, laid out as in CLASS_* fields.
export const SHARD_QUEUES: u32 = 5120; // two list records of each class
export const SHARD_GHOST_UNITS: u32 = 7168; // u32 × GHOST_UNITS: ghosts that count, of each unit
export const SHARD_RECOVERY_CELLS: u32 = 8192; // u32 reference × 2 × RECOVERY_CELLS, lists by age
export const SHARD_FIXED_BYTES: u32 = 10240; // then index segments, filter pages, stripes
// At SHARD_FIXED_BYTES: u32 address × pages of the shard (index segments), then, each aligned to
// LINE_BYTES, u32 address × (HEADER_FILTER_PAGES + SHADOWS), u32 × HEADER_STRIPES.

export const RECOVERY_CELLS: u32 = 256; // of a level: coarse cells, fine cells of one of them

// ── Eviction policy ─────────────────────────────────────────────────────────────────────────
// Values, no fields. A queue is one list for each size class; stamps merge them into one order.
export const POLICY_LRU: u32 = 0; // least recently used
export const POLICY_LFU: u32 = 1; // W-TinyLFU with an adaptive window
export const POLICY_S3FIFO: u32 = 2; // S3-FIFO
export const QUEUES: u32 = 3; // queues of a policy at most; lru: 0 alone
export const QUEUE_CLASS_BYTES: u32 = 32; // lists 1 and 2 of one class
export const QUEUE_RECORD_BYTES: u32 = 8; // from the record of queue 1 to that of queue 2
export const SHADOWS: u32 = 3; // simulations of the cache with different windows
export const SHADOW_ENTRIES_MAX: u32 = 1024; // of each
export const SHADOW_ENTRY_BYTES: u32 = 16; // an entry's share of a shadow's memory
export const GHOST_UNITS: u32 = 256; // units that ghosts are younger than, a power of two
export const FILTER_BLOCK_BYTES: u32 = 64; // block of a filter
export const FILTER_BLOCK_ENTRIES: u32 = 8; // entries of the cache that a block is meant for

// ── Index bucket: 64 bytes ──────────────────────────────────────────────────────────────────
//   0      12     16                                                          64
//   ┌──────┬──────┬───────────────────────────────────────────────────────────┐
//   │ tags │ next │ references (12 × u32), 0 = empty                          │
//   └──────┴──────┴───────────────────────────────────────────────────────────┘
export const BUCKET_BYTES: u32 = 64; // a cache line
export const BUCKET_ENTRIES: u32 = 12; // of one bucket
export const BUCKET_ENTRY_MASK: u32 = 0xfff; // bits of the entries in a tag match
export const BUCKET_NEXT: u32 = 12; // reference of the overflow bucket
export const BUCKET_REFERENCES: u32 = 16; // u32 × BUCKET_ENTRIES
export const CHAIN_BUCKETS_MAX: u32 = 8; // buckets of one chain
export const BUCKET_LOAD_MAX: u32 = 8; // items per bucket before the table grows

// ── Lease page ──────────────────────────────────────────────────────────────────────────────
// Who may load which missing keys. Head of the page, then chains by hash, then leases.
export const LEASES_FREE: u32 = 0; // u32 address of the free lease that is used next, 0 = none
export const LEASES_FREE_LAST: u32 = 4; // u32 address of the one that is used last
export const LEASES_COUNT: u32 = 8; // u32, granted now
export const LEASES_CARVED: u32 = 12; // u32, leases of this page used at least once
export const LEASES_HEADS: u32 = 16; // u32 address × (page bytes / LEASE_BYTES): first of a chain
export const LEASE_TABLES_MAX: u32 = 4; // lease pages of one shard at most

// ── Lease: 256 bytes ────────────────────────────────────────────────────────────────────────
//  The state is odd while it is granted, even when it is over; others wait on it.
export const LEASE_STATE: u32 = 0; // u32, grants and ends so far
export const LEASE_OUTCOME: u32 = 4; // u32, how the latest ended: LEASE_FILLED and so on
export const LEASE_NEXT: u32 = 8; // u32 address of the next in the chain, or on the free list
export const LEASE_HOLDER: u32 = 12; // u32: thread slot + 1 | generation << 8
export const LEASE_HASH: u32 = 16; // u64, of the key
export const LEASE_TOKEN: u32 = 24; // f64, names the lease in a fill
export const LEASE_EXPIRES_MS: u32 = 32; // f64, from then on another may have it
export const LEASE_INVALIDATIONS: u32 = 40; // u64, number of the latest invalidation at the grant
export const LEASE_EPOCH: u32 = 48; // u32, namespace epoch at the grant
export const LEASE_NAMESPACE: u32 = 52; // u16
export const LEASE_TEXT_BYTES: u32 = 54; // u16, of the key; after a failure, of the message
export const LEASE_TEXT: u32 = 56; // the first bytes of the key; after a failure, the message
export const LEASE_BYTES: u32 = 256; // size of a lease
export const LEASE_TEXT_BYTES_MAX: u32 = 200; // kept of either
export const LEASE_FILLED: u32 = 1; // its holder stored the value
export const LEASE_VOIDED: u32 = 2; // the key was written or invalidated, or its time was over
export const LEASE_RELEASED: u32 = 3; // its holder gave it up, or its thread ended
export const LEASE_FAILED: u32 = 4; // the load failed; there is a message
export const LEASE_EMPTY: u32 = 5; // the load found nothing to store

// ── Item ────────────────────────────────────────────────────────────────────────────────────
//  Head, then key, content type, value. In a free chunk the state is 0 and LRU_NEXT links.
//  A large value goes on at the start of each further page of its list.
export const ITEM_STATE: u32 = 0; // u32: magic << 16 | state; written last
export const ITEM_CLASS: u32 = 4; // u8
export const ITEM_ENCODING: u32 = 5; // u8
export const ITEM_KEY_BYTES: u32 = 6; // u16
export const ITEM_VALUE_BYTES: u32 = 8; // u32
export const ITEM_STAMP: u32 = 12; // u32, touch stamp of the last access; RETURNED: thread slot
export const ITEM_HASH: u32 = 16; // u64
export const ITEM_EXPIRY_MS: u32 = 24; // f64, +infinity = none
export const ITEM_SEQUENCE: u32 = 32; // low 48 bits of a u64
export const ITEM_NAMESPACE: u32 = 38; // u16, its high 16 bits
export const ITEM_CREATED_MS: u32 = 40; // low 48 bits of a u64
export const ITEM_CONTENT_TYPE_BYTES: u32 = 46; // u8 of its high 16 bits
export const ITEM_FLAGS: u32 = 47; // u8, the other one: policy (bits 0 to 3), tagged, stale
export const ITEM_EPOCH: u32 = 48; // u32, namespace epoch
export const ITEM_LRU_PREV: u32 = 52; // reference
export const ITEM_LRU_NEXT: u32 = 56; // reference
export const ITEM_WHEEL_PREV: u32 = 60; // reference, or WHEEL_FIRST | slot; 0 = not on the wheel
export const ITEM_WHEEL_NEXT: u32 = 64; // reference
export const ITEM_KEY: u32 = 68; // key, content type, value
export const ITEM_HEAD_BYTES: u32 = 68; // size of the head
export const LOW_48_BITS: u64 = 0xffffffffffff;
export const HIGH_16_SHIFT: u64 = 48;

export const ITEM_POLICY_MASK: u32 = 15; // of ITEM_FLAGS: state of the eviction policy
export const ITEM_QUEUE_MASK: u32 = 3; // of ITEM_FLAGS: number of its queue
export const ITEM_FREQUENCY_ONE: u32 = 4; // of ITEM_FLAGS: one hit, in the bits of the next mask
export const ITEM_FREQUENCY_MASK: u32 = 12; // of ITEM_FLAGS: hits since it was enqueued, at most 3
export const ITEM_TAGGED: u32 = 16; // of ITEM_FLAGS: a tag block follows the value
export const ITEM_STALE: u32 = 32; // of ITEM_FLAGS: soft-expired, kept as a fallback

export const ITEM_MAGIC: u32 = 0x4853; // "HS"
export const ITEM_LIVE: u32 = (ITEM_MAGIC << 16) | 1; // an entry
export const ITEM_LIMBO: u32 = (ITEM_MAGIC << 16) | 2; // unlinked, but a reader may hold it
export const ITEM_RETURNED: u32 = (ITEM_MAGIC << 16) | 3; // unlinked, its caller reads it
export const WHEEL_FIRST: u32 = 0x80000000; // marks the first item of a slot

// ── Tag ─────────────────────────────────────────────────────────────────────────────────────
//  A name that items of this shard and namespace carry: an item of a second kind. It lives as
//  long as it has members, never moves, and lies in a page of its size. State, hash, namespace
//  and name are the truth; the rest is derived.
export const TAG_STATE: u32 = 0; // u32: TAG_LIVE, or 0; written last
export const TAG_NEXT: u32 = 4; // reference of the next in its chain; of the next free chunk
export const TAG_HASH: u32 = 8; // u64
export const TAG_MEMBERS: u32 = 16; // u32 link of the first member, newest first
export const TAG_COUNT: u32 = 20; // u32, members, and commands that are about to add one
export const TAG_NAMESPACE: u32 = 24; // u16
export const TAG_NAME_BYTES: u32 = 26; // u16
export const TAG_NAME: u32 = 28; // UTF-8
export const TAG_HEAD_BYTES: u32 = 28; // size of the head
export const TAG_LIVE: u32 = (ITEM_MAGIC << 16) | 4; // as ITEM_STATE, of the second kind
export const TAG_NAME_BYTES_MAX: u32 = 256; // of UTF-8
export const TAG_CLASSES: u32 = 4; // sizes of tags
export const TAG_TABLE_CLASS: u32 = 4; // page of chain heads
export const TAG_SEGMENTS_MAX: u32 = 16; // pages of chain heads at most

// ── Tag block: which tags an item has ───────────────────────────────────────────────────────
//  Behind the value of an item with ITEM_TAGGED, at the next multiple of 8; with a large value at
//  the start of a further page where the last has no room for the largest block. A link is the
//  address of a member in units of 8 bytes, 0 = none. MEMBER_TAG is the truth; the rest derived.
export const MEMBERS_COUNT: u32 = 0; // u32, 1 to TAGS_MAX
export const MEMBERS_FIRST: u32 = 8; // MEMBER_* of each tag
export const MEMBER_TAG: u32 = 0; // u32 reference of the tag, 0 = given up
export const MEMBER_PREV: u32 = 4; // u32 link in the tag's list
export const MEMBER_NEXT: u32 = 8; // u32 link
export const MEMBER_ITEM: u32 = 12; // u32 reference of the item
export const MEMBER_BYTES: u32 = 16; // size of a member
export const TAGS_MAX: u32 = 64; // of one item
export const TAG_BLOCK_BYTES_MAX: u32 = 1032; // a block of TAGS_MAX members
