/**
 * Renders `docs/MEMORY.md`: offsets from the layout's constants, meanings from the comments beside
 * them, arena maps from the plan. Pure; `generate-memory-map.mjs` reads and writes the files.
 */

/**
 * @typedef {{ name: string, source: string, meaning: string, notes: readonly string[] }} Constant
 * @typedef {{ title: string, intro: string[], constants: Constant[], outro: string[] }} Section
 * @typedef {Readonly<Record<string, number>>} Values
 * @typedef {import('../native-free-core/plan.ts').ArenaPlan} ArenaPlan
 * @typedef {{ readonly title: string, readonly plan: ArenaPlan }} Arena
 * @typedef {{ readonly title: string, readonly prefix: string, readonly size: string }} Structure
 */

/** What the layout describes field by field, in the order of its sections. */
const structures = /** @type {readonly Structure[]} */ ([
  { title: 'Fields', prefix: 'HEADER_', size: 'HEADER_BYTES' },
  { title: 'Fields', prefix: 'NAMESPACE_', size: 'NAMESPACE_BYTES' },
  { title: 'Fields', prefix: 'THREAD_', size: '' },
  { title: 'Fields of the answer, from `THREAD_RESULT` on', prefix: 'RESULT_', size: '' },
  { title: 'Fields', prefix: 'RING_', size: '' },
  { title: 'Fields', prefix: 'RECORD_', size: '' },
  { title: 'Fields', prefix: 'SCAN_', size: '' },
  { title: 'Fields', prefix: 'PAGE_', size: 'PAGE_ENTRY_BYTES' },
  { title: 'Fields', prefix: 'SHARD_', size: 'SHARD_FIXED_BYTES' },
  {
    title: 'Fields of a size class, from `SHARD_CLASSES` on',
    prefix: 'CLASS_',
    size: 'CLASS_BYTES',
  },
  { title: 'Fields', prefix: 'BUCKET_', size: 'BUCKET_BYTES' },
  { title: 'Fields of the head', prefix: 'LEASES_', size: '' },
  { title: 'Fields', prefix: 'LEASE_', size: 'LEASE_BYTES' },
  { title: 'Fields', prefix: 'ITEM_', size: 'ITEM_HEAD_BYTES' },
  { title: 'Fields', prefix: 'NAMES_', size: '' },
  { title: 'Fields of a name', prefix: 'NAME_', size: '' },
  { title: 'Fields', prefix: 'SLICE_', size: '' },
  { title: 'Fields', prefix: 'TAG_', size: 'TAG_HEAD_BYTES' },
  { title: 'Fields', prefix: 'MEMBERS_', size: '' },
  { title: 'Fields of a member', prefix: 'MEMBER_', size: 'MEMBER_BYTES' },
]);

/** Constants that carry the prefix of a structure and are no offset in it. */
const notFields = new Set([
  'BUCKET_ENTRIES',
  'BUCKET_ENTRY_MASK',
  'BUCKET_LOAD_MAX',
  'CLASS_LARGE',
  'CLASS_MAX',
  'ITEM_FREQUENCY_MASK',
  'ITEM_FREQUENCY_ONE',
  'ITEM_LIMBO',
  'ITEM_LIVE',
  'ITEM_MAGIC',
  'ITEM_POLICY_MASK',
  'ITEM_QUEUE_MASK',
  'ITEM_RETURNED',
  'ITEM_STALE',
  'ITEM_TAGGED',
  'LEASE_EMPTY',
  'LEASE_FAILED',
  'LEASE_FILLED',
  'LEASE_RELEASED',
  'LEASE_TABLES_MAX',
  'LEASE_TEXT_BYTES_MAX',
  'LEASE_VOIDED',
  'NAMESPACE_MAX',
  'NAMESPACE_NAME_BYTES_MAX',
  'NAMES_HELD',
  'NAMES_INLINE',
  'NAMES_STAGED',
  'PAGE_DRAINING',
  'PAGE_FREE',
  'PAGE_INDEX',
  'PAGE_LARGE_HEAD',
  'PAGE_LARGE_MEMBER',
  'PAGE_LEASE',
  'PAGE_OVERFLOW',
  'PAGE_RING',
  'PAGE_SKETCH',
  'PAGE_SLAB',
  'PAGE_STAGED',
  'PAGE_TAG',
  'RECORD_ALIGN',
  'SCAN_DELETE',
  'SCAN_EXPIRE',
  'SCAN_GLOB',
  'SCAN_LIST',
  'SHARD_MAX',
  'TAG_BLOCK_BYTES_MAX',
  'TAG_CLASSES',
  'TAG_LIVE',
  'TAG_NAME_BYTES_MAX',
  'TAG_SEGMENTS_MAX',
  'TAG_TABLE_CLASS',
  'THREAD_ARRIVING',
  'THREAD_ATTACHED',
  'THREAD_FREE',
  'THREAD_LEAVING',
  'THREAD_SLOTS_MAX',
]);

const constantPattern = /^export const (\w+)(?:: \w+)? = (.+?);(?:\s*\/\/ ?(.*))?$/;
const sectionPattern = /^\/\/ ── (.+?) ─+$/;

/**
 * Reads the layout's source: sections by their ruled headings, each constant with the comment at
 * the end of its line, and the comments above it as notes.
 * @param {string} source
 * @returns {Section[]} the first holds what stands before the first heading
 */
export function parseLayout(source) {
  /** @type {Section} */
  let section = { title: '', intro: [], constants: [], outro: [] };
  const sections = [section];
  /** @type {string[]} */
  let comments = [];
  for (const line of source.split('\n')) {
    const heading = sectionPattern.exec(line)?.[1];
    const constant = constantPattern.exec(line);
    if (heading !== undefined) {
      section.outro = comments;
      comments = [];
      section = { title: heading, intro: [], constants: [], outro: [] };
      sections.push(section);
    } else if (line.startsWith('//')) comments.push(line.replace(/^\/\/ ?/, ''));
    else if (constant !== null) {
      const [, name = '', expression = '', meaning = ''] = constant;
      const isFirst = section.constants.length === 0;
      if (isFirst) section.intro = comments;
      const notes = isFirst || comments.length === 0 ? [] : [comments.join(' ')];
      section.constants.push({ name, source: expression, meaning, notes });
      comments = [];
    } else if (line.trim() !== '') throw new Error(`layout.ts: cannot read "${line}"`);
  }
  section.outro = comments;
  return sections;
}

/** @param {number} value */
const grouped = (value) => value.toLocaleString('en-US');

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');

/**
 * Comments as Markdown: what is drawn stays as it is, prose becomes paragraphs.
 * @param {readonly string[]} lines
 * @returns {string[]}
 */
function renderComments(lines) {
  const blocks = lines.join('\n').split(/\n\s*\n/);
  return blocks.flatMap((block) => {
    if (block.trim() === '') return [];
    const isDrawn = /\S {3,}\S|[│└┌]/.test(block);
    return isDrawn ? ['```text', block, '```', ''] : [block.replace(/\s*\n\s*/g, '\n').trim(), ''];
  });
}

/**
 * @param {Constant} constant
 * @param {Values} values
 * @returns {number}
 */
function constantValue({ name }, values) {
  const value = values[name];
  if (value === undefined) throw new Error(`${name} has no value: is the build up to date?`);
  return value;
}

/**
 * @param {readonly Constant[]} constants
 * @param {(constant: Constant) => string} renderValue
 * @returns {string[]} rows of a table with the columns name, value, meaning
 */
function renderRows(constants, renderValue) {
  return constants.flatMap((constant) => [
    ...constant.notes.map((note) => `| | | *${cell(note)}* |`),
    `| ${renderValue(constant)} | \`${constant.name}\` | ${cell(constant.meaning)} |`,
  ]);
}

/**
 * @param {Structure} structure
 * @param {Section} section
 * @param {Values} values
 * @returns {Constant[]} the structure's fields, which rise from offset to offset
 */
function fieldsOf({ prefix, size }, section, values) {
  const fields = section.constants.filter(
    ({ name }) => name.startsWith(prefix) && name !== size && !notFields.has(name),
  );
  let end = -1;
  for (const field of fields) {
    const offset = constantValue(field, values);
    if (offset <= end) {
      throw new Error(
        `layout.ts: ${field.name} = ${offset} does not follow offset ${end}; ` +
          'when it is no offset, name it in notFields of .scripts/memory-map.mjs',
      );
    }
    end = offset;
  }
  const sizeBytes = values[size];
  if (fields.length > 0 && sizeBytes !== undefined && end > sizeBytes) {
    throw new Error(`${prefix}… ends at offset ${end}, behind its ${sizeBytes} bytes`);
  }
  return fields;
}

/**
 * @param {Section} section
 * @param {Values} values
 * @returns {string[]}
 */
function renderSection(section, values) {
  const lines = [`## ${section.title}`, '', ...renderComments(section.intro)];
  /** @type {Set<Constant>} */
  const rendered = new Set();
  for (const structure of structures) {
    const fields = fieldsOf(structure, section, values);
    if (fields.length === 0) continue;
    for (const field of fields) rendered.add(field);
    const sizeBytes = values[structure.size];
    const size = sizeBytes === undefined ? '' : ` (${grouped(sizeBytes)} bytes)`;
    const rows = renderRows(fields, (field) => grouped(constantValue(field, values)));
    lines.push(
      `### ${structure.title}${size}`,
      '',
      '| offset | field | meaning |',
      '|---:|---|---|',
    );
    lines.push(...rows, '');
  }
  const others = section.constants.filter((constant) => !rendered.has(constant));
  if (others.length > 0) {
    const rows = renderRows(others, (constant) => renderConstant(constant, values));
    lines.push('### Constants', '', '| value | name | meaning |', '|---:|---|---|', ...rows, '');
  }
  lines.push(...renderComments(section.outro));
  return lines;
}

/**
 * @param {Constant} constant
 * @param {Values} values
 */
function renderConstant(constant, values) {
  const value = constantValue(constant, values);
  return /0x|<</.test(constant.source) ? `0x${value.toString(16)}` : grouped(value);
}

/**
 * @param {ArenaPlan} plan
 * @param {Values} values
 * @returns {{ name: string, offset: number, note: string }[]} the parts of an arena, in order
 */
function partsOf(plan, values) {
  const { threadSlotCount, threadBytes, shardCount, shardBytes, pageCount, pageBytes } = plan;
  const entryBytes = values['PAGE_ENTRY_BYTES'] ?? 0;
  return [
    { name: 'header', offset: 0, note: '' },
    { name: 'slot table', offset: plan.routingOffset, note: '' },
    { name: 'class lookup', offset: plan.classLookupOffset, note: '' },
    { name: 'namespace registry', offset: plan.namespacesOffset, note: '' },
    { name: 'names of namespaces', offset: plan.namesOffset, note: '' },
    { name: 'tag stamps', offset: plan.stampsOffset, note: '' },
    {
      name: 'thread slots',
      offset: plan.threadsOffset,
      note: `${threadSlotCount} × ${grouped(threadBytes)}`,
    },
    {
      name: 'shard headers',
      offset: plan.shardsOffset,
      note: `${shardCount} × ${grouped(shardBytes)}`,
    },
    {
      name: 'page directory',
      offset: plan.directoryOffset,
      note: `${grouped(pageCount)} × ${entryBytes}, then up to the next whole page`,
    },
    {
      name: 'pages',
      offset: plan.pagesOffset,
      note: `${grouped(pageCount)} × ${grouped(pageBytes)}`,
    },
    {
      name: 'rest',
      offset: plan.pagesOffset + pageCount * pageBytes,
      note: 'holds nothing; wide loads of a reader may reach into it',
    },
  ];
}

/**
 * @param {Arena} arena
 * @param {Values} values
 * @returns {string[]}
 */
function renderArena({ title, plan }, values) {
  const parts = partsOf(plan, values);
  const rows = parts.map(({ name, offset, note }, index) => {
    const bytes = (parts[index + 1]?.offset ?? plan.limitBytes) - offset;
    const share = ((100 * bytes) / plan.limitBytes).toFixed(2);
    return `| ${name} | ${grouped(offset)} | ${grouped(bytes)} | ${share} % | ${note} |`;
  });
  return [
    `### ${title}`,
    '',
    '| part | offset | bytes | share | what |',
    '|---|---:|---:|---:|---|',
    ...rows,
    '',
  ];
}

/**
 * @param {readonly Arena[]} arenas
 * @returns {string[]} a table of what follows from the limit, one column for each arena
 */
function renderFigures(arenas) {
  /** @type {readonly (readonly [string, (plan: ArenaPlan) => number])[]} */
  const figures = [
    ['shards', (plan) => plan.shardCount],
    ['thread slots', (plan) => plan.threadSlotCount],
    ['bytes of a page', (plan) => plan.pageBytes],
    ['pages', (plan) => plan.pageCount],
    ['version stripes of a shard', (plan) => plan.stripeCount],
    ['most bytes of key, content type and value in one chunk', (plan) => plan.inlineBytes],
    ['most bytes of a value that a read copies', (plan) => plan.scratchBytes],
    ['most bytes of a value', (plan) => plan.valueBytesMax],
    ['bytes of ring pages for each attached thread', (plan) => plan.shardCount * plan.pageBytes],
    ['bytes before the pages', (plan) => plan.pagesOffset],
  ];
  return [
    `| | ${arenas.map(({ title }) => title).join(' | ')} |`,
    `|---|${arenas.map(() => '---:').join('|')}|`,
    ...figures.map(
      ([name, figure]) =>
        `| ${name} | ${arenas.map(({ plan }) => grouped(figure(plan))).join(' | ')} |`,
    ),
    '',
  ];
}

/**
 * The arenas that the document draws, with the library's defaults for their memory.
 * @param {typeof import('../native-free-core/plan.ts').planArena} planArena
 * @param {typeof import('../src/options.ts').resolveOptions} resolveOptions
 * @returns {Arena[]}
 */
export function standardArenas(planArena, resolveOptions) {
  return ['8 MiB', '256 MiB', '1 GiB'].map((title) => {
    const memory = title.replace(/ (.)iB/, '$1b').toLowerCase();
    const options = resolveOptions({ memory }, { availableParallelism: 1 });
    const plan = planArena({
      limitBytes: options.memoryBytes,
      shardCount: options.shardCount,
      threadSlotCount: options.threadCountMax,
      entryCountMax: options.entryCountMax,
    });
    return { title, plan };
  });
}

/**
 * @param {string} layoutSource
 * @param {Values} layout
 * @returns {string[]} the names of all fields of all structures
 */
export function listFields(layoutSource, layout) {
  const sections = parseLayout(layoutSource);
  const fields = structures.flatMap((structure) =>
    sections.flatMap((section) => fieldsOf(structure, section, layout)),
  );
  return fields.map(({ name }) => name);
}

/**
 * @param {readonly Section[]} sections
 * @param {Values} values
 */
function checkComplete(sections, values) {
  const named = new Set(sections.flatMap(({ constants }) => constants.map(({ name }) => name)));
  const missing = Object.keys(values).filter((name) => !named.has(name));
  if (missing.length > 0) throw new Error(`layout.ts: not read: ${missing.join(', ')}`);
}

/**
 * @param {object} input
 * @param {string} input.layoutSource text of `native-free-core/assembly/layout.ts`
 * @param {Values} input.layout its exports
 * @param {readonly Arena[]} input.arenas what to draw as a map
 * @returns {string} the whole document
 */
export function renderMemoryMap({ layoutSource, layout, arenas }) {
  const [first, ...sections] = parseLayout(layoutSource);
  if (first === undefined) throw new Error('layout.ts is empty');
  checkComplete([first, ...sections], layout);
  const lines = [
    '# Memory',
    '',
    'Where every byte of an arena lies. Generated by `npm run docs` from the constants and comments of',
    '`native-free-core/assembly/layout.ts` and from `native-free-core/plan.ts`; a test fails when this',
    'page is stale. Do not edit it. What the fields mean for more than one thread is in',
    '[CONCURRENCY.md](CONCURRENCY.md).',
    '',
    ...renderComments(first.intro),
    ...renderRowsOfFirst(first, layout),
    '## Arenas of three sizes',
    '',
    'Shards and thread slots are the defaults of the library for that memory.',
    '',
    ...renderFigures(arenas),
    ...arenas.flatMap((arena) => renderArena(arena, layout)),
    ...sections.flatMap((section) => renderSection(section, layout)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/**
 * @param {Section} first
 * @param {Values} values
 */
function renderRowsOfFirst(first, values) {
  const rows = renderRows(first.constants, (constant) => renderConstant(constant, values));
  return ['| value | name | meaning |', '|---:|---|---|', ...rows, ''];
}
