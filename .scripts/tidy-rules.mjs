/**
 * The rules of `npm run tidy`: what neither the compiler nor the linter checks. Each rule looks at
 * one file and returns what it found; `test/tidy` plants a bad sample for every one of them.
 */
import { basename, posix } from 'node:path';
import ts from 'typescript';

export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_GOAL = 400;
export const FILE_LINES_MAX = 600;
export const LINE_COLUMNS_MAX = 100;
export const TEST_DELAY_MS_MAX = 100;

/**
 * @typedef {{ line: number, message: string, warning?: boolean }} Finding
 * @typedef {import('typescript').SourceFile} SourceFile
 * @typedef {{ path: string, text: string, syntax: SourceFile | undefined }} File
 * @typedef {{ name: string, check: (file: File) => Finding[] }} Rule
 */

/** What each layer may import from outside itself, as the beginning of a path. */
const mayImport = new Map([
  ['native-free-core', []],
  ['workers', ['native-free-core/']],
  ['src', ['native-free-core/', 'workers/']],
  ['server', ['src/index.ts', 'src/client/client.ts']],
  ['bench', ['native-free-core/', 'workers/', 'src/', 'server/', 'test/', 'package.json']],
  [
    'test',
    [
      'native-free-core/',
      'workers/',
      'src/',
      'server/',
      'bench/',
      'dist/',
      'package.json',
      '.scripts/',
      '.dependency-cruiser.mjs',
    ],
  ],
]);
const libraryLayers = new Set(['native-free-core', 'workers', 'src']);
const assemblyFolder = 'native-free-core/assembly/';
// The files whose purpose is to say what is public.
const exportLists = new Set(['src/index.ts', 'src/client/client.ts', `${assemblyFolder}core.ts`]);
const bannedFileNames = new Set(
  ['common', 'helper', 'helpers', 'misc', 'shared', 'types', 'util', 'utils'].flatMap((name) =>
    ['ts', 'mts', 'js', 'mjs'].map((extension) => `${name}.${extension}`),
  ),
);
// Spelled in halves, so that this file passes its own rules.
const bannedWords = [['TO', 'DO'].join(''), ['FIX', 'ME'].join(''), ['X', 'XX'].join('')];
const registryHosts = ['npmjs', 'yarnpkg', 'npmmirror', 'jsr'].map((name) => `${name}\\.`);
const machineFolders = ['work', 'tmp', 'root', 'home', 'Users'];
const registryHostPattern = new RegExp(`\\b(?:${registryHosts.join('|')})(?:org|com|io)\\b`);
const machinePathPattern = new RegExp(`(?:^|[\\s'"\`(=:,])/(?:${machineFolders.join('|')})/`);
const bannedWordPattern = new RegExp(`\\b(?:${bannedWords.join('|')})\\b`);

/** @param {string} path */
const layerOf = (path) => path.slice(0, Math.max(0, path.indexOf('/')));

/**
 * @param {File} file
 * @param {(node: import('typescript').Node) => Finding[]} visit
 * @returns {Finding[]} what `visit` found in every node of the file
 */
function findInSyntax({ syntax }, visit) {
  /** @type {Finding[]} */
  const findings = [];
  /** @param {import('typescript').Node} node */
  const walk = (node) => {
    findings.push(...visit(node));
    ts.forEachChild(node, walk);
  };
  if (syntax !== undefined) walk(syntax);
  return findings;
}

/**
 * @param {File} file
 * @param {(line: string) => boolean} isBad
 * @param {string} message
 * @returns {Finding[]}
 */
function findInLines({ text }, isBad, message) {
  return text
    .split('\n')
    .flatMap((line, index) => (isBad(line) ? [{ line: index + 1, message }] : []));
}

/** @param {import('typescript').Node} node */
function lineOf(node) {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/**
 * The callback of `describe` is a list of tests, not a function that anybody reads as one.
 * @param {import('typescript').Node} node
 */
function isDescribeCallback(node) {
  const call = node.parent;
  if (call === undefined || !ts.isCallExpression(call)) return false;
  return /^describe\b/.test(call.expression.getText());
}

/** @type {Rule} */
const functionLength = {
  name: 'function-length',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return [];
      if (isDescribeCallback(node)) return [];
      const first = lineOf(node);
      const end = node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd());
      const lineCount = end.line + 2 - first;
      if (lineCount <= FUNCTION_LINES_MAX) return [];
      const name = ('name' in node && node.name?.getText()) || 'function';
      const message = `${name} has ${lineCount} lines, at most ${FUNCTION_LINES_MAX} are allowed`;
      return [{ line: first, message }];
    }),
};

/** @type {Rule} */
const fileLength = {
  name: 'file-length',
  check: ({ text, syntax }) => {
    if (syntax === undefined) return [];
    const lineCount = text.trimEnd().split('\n').length;
    if (lineCount <= FILE_LINES_GOAL) return [];
    const limits = `the goal is ${FILE_LINES_GOAL}, the limit ${FILE_LINES_MAX}`;
    const message = `${lineCount} lines: ${limits}; split it by structure`;
    return [{ line: 1, message, warning: lineCount <= FILE_LINES_MAX }];
  },
};

/** @type {Rule} */
const fileName = {
  name: 'file-name',
  check: ({ path }) =>
    bannedFileNames.has(basename(path))
      ? [{ line: 1, message: 'name the file after the one thing that it holds' }]
      : [],
};

/** @type {Rule} */
const defaultExport = {
  name: 'default-export',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (!mayImport.has(layerOf(file.path))) return [];
      const isDefault =
        (ts.isExportAssignment(node) && node.isExportEquals !== true) ||
        node.kind === ts.SyntaxKind.DefaultKeyword ||
        (ts.isExportSpecifier(node) && node.name.text === 'default');
      if (!isDefault || ts.isDefaultClause(node.parent)) return [];
      return [
        { line: lineOf(node), message: 'export by name, so that one search finds every use' },
      ];
    }),
};

/** @type {Rule} */
const barrel = {
  name: 'barrel',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (!mayImport.has(layerOf(file.path)) || exportLists.has(file.path)) return [];
      if (!ts.isExportDeclaration(node) || node.moduleSpecifier === undefined) return [];
      return [
        { line: lineOf(node), message: 'only src/index.ts re-exports: import the file itself' },
      ];
    }),
};

/** @type {Rule} */
const layerImport = {
  name: 'layer-import',
  check: (file) => {
    const layer = layerOf(file.path);
    const allowed = mayImport.get(layer);
    if (allowed === undefined) return [];
    return findInSyntax(file, (node) => {
      const specifier = importSpecifierOf(node);
      if (specifier === undefined || !specifier.text.startsWith('.')) return [];
      const joined = posix.join(posix.dirname(file.path), specifier.text);
      const target = joined.replace(/\.js$/, '.ts');
      const isAllowed =
        target.startsWith(`${layer}/`) || allowed.some((start) => target.startsWith(start));
      if (isAllowed) return [];
      return [{ line: lineOf(node), message: `${layer} must not import ${target}` }];
    });
  },
};

/**
 * @param {import('typescript').Node} node
 * @returns {import('typescript').StringLiteralLike | undefined} the text in `import … from 'text'`
 */
function importSpecifierOf(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const specifier = node.moduleSpecifier;
    return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier : undefined;
  }
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) {
    return undefined;
  }
  const [argument] = node.arguments;
  return argument !== undefined && ts.isStringLiteralLike(argument) ? argument : undefined;
}

/** @type {Rule} */
const consoleUse = {
  name: 'console',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (!libraryLayers.has(layerOf(file.path))) return [];
      if (!ts.isPropertyAccessExpression(node)) return [];
      if (node.expression.getText() !== 'console') return [];
      return [{ line: lineOf(node), message: 'a library does not print: return it or throw it' }];
    }),
};

/** @type {Rule} */
const testModifier = {
  name: 'test-modifier',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (layerOf(file.path) !== 'test' || !ts.isPropertyAccessExpression(node)) return [];
      const name = node.getText();
      if (!/^(?:describe|it|test)\.(?:only|skip|todo)$/.test(name)) return [];
      return [{ line: lineOf(node), message: `${name}: run every test, or delete it` }];
    }),
};

/** @type {Rule} */
const testDelay = {
  name: 'test-delay',
  check: (file) =>
    findInSyntax(file, (node) => {
      if (layerOf(file.path) !== 'test' || !ts.isCallExpression(node)) return [];
      if (!/\b(?:setTimeout|sleep|delay)$/.test(node.expression.getText())) return [];
      const delay = node.arguments.find((argument) => ts.isNumericLiteral(argument));
      if (delay === undefined || Number(delay.getText().replaceAll('_', '')) < TEST_DELAY_MS_MAX) {
        return [];
      }
      return [{ line: lineOf(node), message: 'await the condition instead of a fixed time' }];
    }),
};

/** @type {Rule} */
const suppression = {
  name: 'suppression',
  check: (file) => {
    if (file.syntax === undefined || file.path.startsWith(assemblyFolder)) return [];
    return findInLines(
      file,
      (line) => /^\s*(?:\/\/|\/?\*+)\s*@ts-(?:ignore|nocheck)\b/.test(line),
      'correct the type instead of hiding it',
    );
  },
};

/** @type {Rule} */
const bannedWord = {
  name: 'banned-word',
  check: (file) =>
    findInLines(
      file,
      (line) => bannedWordPattern.test(line),
      'finish it now, or record the decision in docs/DECISIONS.md',
    ),
};

/** @type {Rule} */
const registryHost = {
  name: 'registry-host',
  check: (file) =>
    findInLines(file, (line) => registryHostPattern.test(line), 'names a package registry'),
};

/** @type {Rule} */
const machinePath = {
  name: 'machine-path',
  check: (file) =>
    findInLines(file, (line) => machinePathPattern.test(line), 'names a folder of one machine'),
};

/**
 * The formatter wraps code but no comments, and it cannot read AssemblyScript's decorators.
 * @type {Rule}
 */
const lineForm = {
  name: 'line-form',
  check: (file) => {
    if (file.syntax === undefined) return [];
    const isAssembly = file.path.startsWith(assemblyFolder);
    const tooLong = findInLines(
      file,
      (line) =>
        [...line].length > LINE_COLUMNS_MAX &&
        !line.includes('://') &&
        (isAssembly || /^\s*(?:\/\/|\/?\*)/.test(line)),
      `longer than ${LINE_COLUMNS_MAX} columns`,
    );
    if (!isAssembly) return tooLong;
    return [
      ...tooLong,
      ...findInLines(file, (line) => /\t|\s$/.test(line), 'has a tab or a space at its end'),
      ...findInLines(file, (line) => /^(?: {2})* [^ *]/.test(line), 'is indented by an odd number'),
    ];
  },
};

/** @type {readonly Rule[]} */
export const rules = [
  functionLength,
  fileLength,
  fileName,
  defaultExport,
  barrel,
  layerImport,
  consoleUse,
  testModifier,
  testDelay,
  suppression,
  bannedWord,
  registryHost,
  machinePath,
  lineForm,
];

/**
 * @param {string} path below the repository root, with forward slashes
 * @param {string} text
 * @returns {(Finding & { rule: string, path: string })[]}
 */
export function inspectFile(path, text) {
  const isScript = /\.(?:ts|mts|js|mjs)$/.test(path);
  const syntax = isScript
    ? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    : undefined;
  const file = { path, text, syntax };
  return rules.flatMap(({ name, check }) =>
    check(file).map((finding) => ({ ...finding, rule: name, path })),
  );
}

const topLevelFolders = ['src', 'native-free-core', 'workers', 'server', 'bench', 'test', 'docs'];
const topLevelFiles = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
];

/**
 * @param {readonly string[]} names what stands in the root folder, without what git ignores
 * @returns {string[]} those which do not belong there
 */
export function inspectTopLevel(names) {
  const allowed = new Set([...topLevelFolders, 'examples', ...topLevelFiles]);
  return names.filter((name) => !name.startsWith('.') && !allowed.has(name));
}
