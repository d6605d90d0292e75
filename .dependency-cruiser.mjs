/**
 * Import boundaries: `native-free-core <- workers <- src <- server`; `server` uses `src/index.ts`
 * alone; `bench` and `test` may import anything and nothing imports them. Project references
 * reject upward imports too, but not a layer that is skipped.
 */

/**
 * @param {string} layer
 * @param {readonly string[]} mayImport regular expressions of paths below the repository root
 * @param {string} remedy what to do instead
 * @returns {import('dependency-cruiser').IForbiddenRuleType}
 */
function layer(layer, mayImport, remedy) {
  return {
    name: `layer-${layer}`,
    comment: remedy,
    severity: 'error',
    from: { path: `^${layer}/` },
    to: {
      path: '^(native-free-core|workers|src|server|bench|test|examples)/',
      pathNot: [`^${layer}/`, ...mayImport],
    },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
const configuration = {
  forbidden: [
    layer(
      'native-free-core',
      [],
      'The core is the lowest layer: pass what it needs as an argument, or move the code up.',
    ),
    layer(
      'workers',
      ['^native-free-core/'],
      'Threads know the core alone: pass what is needed as an argument of the thread or its group.',
    ),
    layer(
      'src',
      ['^native-free-core/', '^workers/'],
      'The library knows nothing of the server: turn the dependency round, or move the code up.',
    ),
    layer(
      'server',
      ['^src/index\\.ts$', '^src/client/client\\.ts$'],
      'The server uses the public library alone: import from src/index.ts (its command line: from ' +
        'src/client/client.ts) and, where something is missing there, complete the public interface.',
    ),
    {
      name: 'client-is-portable',
      comment:
        'The client runs in browsers too: it imports its own files and packages that run there. ' +
        'Only node-web-socket.ts, which a browser build leaves out, may import ws.',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '^src/client/node-web-socket\\.ts$' },
      to: { pathNot: '^src/client/|(^|/)node_modules/msgpackr/' },
    },
    {
      name: 'core-is-pure',
      comment:
        'The core imports no package and no module of Node.js: do it in workers/ or src/ and pass ' +
        'the result as bytes, numbers or a function.',
      severity: 'error',
      from: { path: '^native-free-core/' },
      to: { pathNot: '^native-free-core/' },
    },
    {
      name: 'assembly-stays-apart',
      comment:
        'Files under native-free-core/assembly are AssemblyScript: reach them through the compiled ' +
        'module, whose types are in native-free-core/core-exports.ts. Only layout.ts and status.ts, ' +
        'which hold constants, are one source for both languages.',
      severity: 'error',
      from: { pathNot: '^native-free-core/assembly/' },
      to: { path: '^native-free-core/assembly/(?!layout\\.ts|status\\.ts)' },
    },
    {
      name: 'assembly-imports-assembly',
      comment: 'AssemblyScript cannot import TypeScript: pass plain numbers and addresses.',
      severity: 'error',
      from: { path: '^native-free-core/assembly/' },
      to: { pathNot: '^native-free-core/assembly/' },
    },
    {
      name: 'uws-only-in-server',
      comment: 'Put it behind the transport contract of server/http and use that.',
      severity: 'error',
      from: { pathNot: '^(server|bench|test)/' },
      to: { path: '(^|/)(uWebSockets\\.js|uws-pack)(/|$)' },
    },
    {
      name: 'nothing-imports-bench-or-test',
      comment: 'Move what both need into the layer it belongs to, and import it from there.',
      severity: 'error',
      from: { pathNot: '^(bench|test)/' },
      to: { path: '^(bench|test)/' },
    },
    {
      name: 'product-has-no-dev-dependency',
      comment:
        'Users install dependencies only: list the package there with its reason in ' +
        'docs/DECISIONS.md, or do without it.',
      severity: 'error',
      from: { path: '^(native-free-core|workers|src|server)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-optional', 'type-only'],
      },
    },
    {
      name: 'no-circular',
      comment: 'Move what both files need into a third one, or pass it as an argument.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-missing-file',
      comment: 'Nothing is found under this name: correct the path or install the package.',
      severity: 'error',
      from: {},
      // An optional package with a native binary, absent where no binary fits the Node.js version.
      to: { couldNotResolve: true, pathNot: '^uWebSockets\\.js$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    // Imports of types alone couple layers as much as others do.
    tsPreCompilationDeps: true,
  },
};

// dependency-cruiser takes its configuration by the default export.
export default configuration;
