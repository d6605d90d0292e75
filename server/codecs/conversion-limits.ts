/**
 * What a value may be made of that the service decodes. A byte of a document may cost a hundred
 * bytes of objects, so that limits on bytes alone would let a client fill the heap.
 */

/** Objects and arrays, or messages, within each other; the limit that JSON has too. */
export const VALUE_DEPTH_MAX = 64;
/** Values of a document, containers included. */
export const VALUE_ELEMENTS_MAX = 1_000_000;
