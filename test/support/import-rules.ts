/** A part of the project and what its files may reach for. A file belongs to the first zone whose pattern matches it. */
export interface Zone {
  readonly name: string
  readonly files: RegExp
  /** Other zones by name; `core/*` is all whose name starts so, `*` is all. A zone may always import itself. */
  readonly mayImport: readonly string[]
  /** Node's own modules; `*` is all. */
  readonly builtins: readonly string[]
  /** Packages it never names, whatever its package.json declares; `@koa/*` is all whose name starts so. */
  readonly never?: readonly string[]
  /** May read `process.env`. */
  readonly environment?: true
  /** May call `import(x)` where x is not a literal. */
  readonly computedImport?: true
  /** Used when running from sources, never from a build: may import what is there for development. */
  readonly fromSourceOnly?: true
}

// The engine does no I/O of its own: what it needs of the world comes through contracts and ports.
const inCore = {
  builtins: ['node:assert', 'node:buffer', 'node:crypto', 'node:events', 'node:util'],
  never: ['koa', 'koa-*', '@koa/*', 'bullmq', 'ioredis', 'pkcs11js', 'graphene-pk11', 'better-sqlite3', 'pg'],
}
const words = ['contract', 'core/words']
const records = [...words, 'core/audit', 'core/records']
const services = [...records, 'core/policy', 'core/models', 'core/api']
const keys = [...services, 'core/spaces', 'core/identity']

/**
 * Which way imports run: `contract <- core <- daemon`, `contract <- testkit`, `contract <- plugins/*`, and inside core
 * `audit <- records <- policy <- spaces <- identity <- keys, approvals <- retention`. Nothing else.
 */
export const zones: readonly Zone[] = [
  { name: 'contract', files: /^plugins\/contract\/src\//, mayImport: [], builtins: [] },
  // Its drills start child processes that open the plugin under test, by the name they are given.
  {
    name: 'testkit',
    files: /^plugins\/testkit\/src\//,
    mayImport: ['contract'],
    builtins: ['*'],
    computedImport: true,
  },
  // PKCS#11 modules read settings from their environment (SOFTHSM2_CONF), and systemd names credentials there.
  {
    name: 'plugin',
    files: /^plugins\/hsm-pkcs11\/src\/(load-module|read-pin)\.ts$/,
    mayImport: ['contract'],
    builtins: ['*'],
    environment: true,
  },
  {
    name: 'plugin',
    files: /^plugins\/[^/]+\/src\/[^/]+-from-source\.mjs$/,
    mayImport: ['contract'],
    builtins: ['*'],
    fromSourceOnly: true,
  },
  { name: 'plugin', files: /^plugins\/[^/]+\/src\//, mayImport: ['contract'], builtins: ['*'] },

  {
    name: 'core/words',
    files: /^core\/src\/(call|names|cancelled|list-page|spans|keys\/lifecycle)\.ts$/,
    mayImport: ['contract'],
    ...inCore,
  },
  { name: 'core/models', files: /^core\/src\/[^/]+\/model\.ts$/, mayImport: words, ...inCore },
  {
    name: 'core/api',
    files: /^core\/src\/(engine-api|counted-cache)\.ts$/,
    mayImport: [...words, 'core/models'],
    ...inCore,
  },
  { name: 'core/audit', files: /^core\/src\/audit\//, mayImport: words, ...inCore },
  { name: 'core/records', files: /^core\/src\/records\//, mayImport: [...words, 'core/audit'], ...inCore },
  { name: 'core/policy', files: /^core\/src\/policy\//, mayImport: [...records, 'core/models'], ...inCore },
  { name: 'core/spaces', files: /^core\/src\/spaces\//, mayImport: services, ...inCore },
  { name: 'core/identity', files: /^core\/src\/identity\//, mayImport: [...services, 'core/spaces'], ...inCore },
  { name: 'core/idempotency', files: /^core\/src\/idempotency\//, mayImport: services, ...inCore },
  // Keys accept an approval proof by a type of their own, so neither of these two knows the other.
  { name: 'core/keys', files: /^core\/src\/keys\//, mayImport: keys, ...inCore },
  { name: 'core/approvals', files: /^core\/src\/approvals\//, mayImport: keys, ...inCore },
  {
    name: 'core/retention',
    files: /^core\/src\/retention\//,
    mayImport: [...keys, 'core/keys', 'core/approvals'],
    ...inCore,
  },
  {
    name: 'core/recovery',
    files: /^core\/src\/recovery\//,
    mayImport: [...keys, 'core/keys'],
    ...inCore,
  },
  {
    name: 'core/engine',
    files: /^core\/src\/(engine|initialise|recover-administrator|successor|index)\.ts$/,
    mayImport: ['contract', 'core/*'],
    ...inCore,
  },

  // The one place that imports what the configuration names. Nothing in the daemon imports a plugin by a literal name.
  {
    name: 'daemon/plugins',
    files: /^daemon\/src\/plugins\//,
    mayImport: ['contract', 'core/*', 'daemon'],
    builtins: ['*'],
    computedImport: true,
  },
  {
    name: 'daemon',
    files: /^daemon\/src\//,
    mayImport: ['contract', 'core/*', 'daemon/plugins'],
    builtins: ['*'],
    environment: true,
  },
  { name: 'ui', files: /^ui\/src\//, mayImport: [], builtins: [] },

  { name: 'contract tests', files: /^plugins\/contract\/test\//, mayImport: ['contract'], builtins: ['*'] },
  { name: 'testkit tests', files: /^plugins\/testkit\/test\//, mayImport: ['contract', 'testkit'], builtins: ['*'] },
  {
    name: 'plugin tests',
    files: /^plugins\/[^/]+\/test\//,
    mayImport: ['contract', 'testkit', 'plugin', 'token'],
    builtins: ['*'],
    environment: true,
  },
  { name: 'core tests', files: /^core\/test\//, mayImport: ['contract', 'testkit', 'core/*'], builtins: ['*'] },
  { name: 'ui tests', files: /^ui\/test\//, mayImport: ['ui'], builtins: ['*'] },
  { name: 'token', files: /^softhsm\//, mayImport: [], builtins: ['*'], environment: true },
  { name: 'scripts', files: /^scripts\//, mayImport: [], builtins: ['*'], environment: true },
  {
    name: 'tests',
    files: /^(daemon\/)?test\//,
    mayImport: ['*'],
    builtins: ['*'],
    environment: true,
    computedImport: true,
  },
]
