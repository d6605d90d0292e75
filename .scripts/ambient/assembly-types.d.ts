// Integer types of the data plane's language, so that `assembly/layout.ts` and
// `assembly/status.ts` are one source for both sides.
declare type u8 = number;
declare type u16 = number;
declare type u32 = number;
declare type i32 = number;
declare type u64 = number;
declare type f64 = number;
