/**
 * Builds the product: the AssemblyScript core in its variants, a copy of it beside its binding in
 * `dist/`, then every TypeScript layer. Steps whose inputs did not change are skipped, so scripts
 * that need a build can always ask for one.
 *
 * `--core` compiles the core alone; `--clean` first removes everything that was built before, so
 * that nothing of a deleted source file gets into the package.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const coreFolder = join(root, 'native-free-core');
const assemblyFolder = join(coreFolder, 'assembly');
const stampFolder = join(root, '.build');

/** Each variant is the same source compiled with another compile-time constant. */
const variants = [
  { name: 'core', use: [], shipped: true },
  // Traps at the n-th store, so that tests see memory as a thread that died there leaves it.
  { name: 'core-trap', use: ['TRAP_STORES=1'], shipped: false },
  // Calls an imported fence, for processors that reorder loads with loads.
  { name: 'core-weak', use: ['WEAK_MEMORY=1'], shipped: true },
];

const compilerFlags = [
  '-O3',
  '--noAssert',
  ...['--runtime', 'stub'],
  '--importMemory',
  '--noExportMemory',
  '--sharedMemory',
  ...['--initialMemory', '1'],
  ...['--maximumMemory', '65535'],
  ...['--enable', 'threads'],
  ...['--enable', 'simd'],
  ...['--enable', 'bulk-memory'],
];

/**
 * @param {string} script path of a Node.js program
 * @param {readonly string[]} args
 * @returns {Promise<void>} resolves when the program ends with code 0
 */
function runNode(script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${script} ended with ${signal ?? `code ${code}`}`));
    });
  });
}

/** @returns {Promise<string>} a digest of everything the compiled core depends on */
async function digestCoreInputs() {
  const digest = createHash('sha256');
  digest.update(await readFile(require.resolve('assemblyscript/package.json')));
  digest.update(await readFile(fileURLToPath(import.meta.url)));
  const names = await readdir(assemblyFolder, { recursive: true });
  for (const name of names.filter((entry) => entry.endsWith('.ts')).sort()) {
    digest.update(`${name}\0`);
    digest.update(await readFile(join(assemblyFolder, name)));
  }
  return digest.digest('hex');
}

/**
 * @param {Uint8Array} bytes a WebAssembly module
 * @returns {number[]} the ids of its sections, in order
 */
export function listSectionIds(bytes) {
  const ids = [];
  let offset = 8; // magic and version
  while (offset < bytes.length) {
    ids.push(bytes[offset] ?? 0);
    offset += 1;
    let size = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[offset] ?? 0;
      offset += 1;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    offset += size;
  }
  return ids;
}

/**
 * The core attaches to memory that is in use: a data segment or a start function would write into
 * a living arena each time another thread instantiates the module.
 * @param {string} name
 * @param {Uint8Array} bytes
 */
function refuseSideEffects(name, bytes) {
  const startSectionId = 8;
  const dataSectionId = 11;
  const ids = listSectionIds(bytes);
  if (ids.includes(dataSectionId)) {
    throw new Error(`${name}: has a data section; use no strings and no static arrays in the core`);
  }
  if (ids.includes(startSectionId)) {
    throw new Error(`${name}: has a start function; initialise globals with constants only`);
  }
}

/**
 * @param {typeof variants[number]} variant
 * @param {string} inputDigest
 */
async function compileVariant(variant, inputDigest) {
  const outputPath = join(coreFolder, `${variant.name}.wasm`);
  const stampPath = join(stampFolder, `${variant.name}.stamp`);
  const [stamp, output] = await Promise.all([
    readFile(stampPath, 'utf8').catch(() => ''),
    readFile(outputPath).catch(() => undefined),
  ]);
  if (output !== undefined && stamp === inputDigest) return;

  // Renamed when complete: a build or a test that runs beside this one never sees half a module.
  const temporaryName = `${variant.name}.${process.pid}.wasm`;
  const temporaryPath = join(stampFolder, temporaryName);
  try {
    await runNode(require.resolve('assemblyscript/bin/asc.js'), [
      'native-free-core/assembly/core.ts',
      ...compilerFlags,
      ...variant.use.flatMap((constant) => ['--use', constant]),
      ...['--outFile', `.build/${temporaryName}`],
    ]);
    refuseSideEffects(variant.name, await readFile(temporaryPath));
    await rename(temporaryPath, outputPath);
  } finally {
    await rm(temporaryPath, { force: true });
  }
  await writeFile(stampPath, inputDigest);
  process.stdout.write(`compiled native-free-core/${variant.name}.wasm\n`);
}

async function compileCore() {
  await mkdir(stampFolder, { recursive: true });
  const inputDigest = await digestCoreInputs();
  const results = await Promise.allSettled(
    variants.map((variant) => compileVariant(variant, inputDigest)),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function copyCoreToDist() {
  const target = join(root, 'dist', 'native-free-core');
  await mkdir(target, { recursive: true });
  for (const variant of variants.filter(({ shipped }) => shipped)) {
    const temporaryPath = join(target, `.${variant.name}.${process.pid}`);
    await copyFile(join(coreFolder, `${variant.name}.wasm`), temporaryPath);
    await rename(temporaryPath, join(target, `${variant.name}.wasm`));
  }
}

async function removeOutputs() {
  const cores = variants.map(({ name }) => join(coreFolder, `${name}.wasm`));
  for (const path of [join(root, 'dist'), stampFolder, ...cores]) {
    await rm(path, { recursive: true, force: true });
  }
}

async function buildCore() {
  await compileCore();
  await copyCoreToDist();
}

/** @returns {Promise<void>} */
function buildLayers() {
  const compilerPath = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  return runNode(compilerPath, ['--build']);
}

async function build() {
  if (process.argv.includes('--clean')) await removeOutputs();
  const steps = [buildCore()];
  if (!process.argv.includes('--core')) steps.push(buildLayers());
  // Neither needs the other: a failure of one still lets the other report its own.
  for (const result of await Promise.allSettled(steps)) {
    if (result.status === 'fulfilled') continue;
    process.stderr.write(`build failed: ${result.reason.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
