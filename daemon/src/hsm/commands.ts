import {
  type GeneratedKey,
  type Health,
  type KeyProvider,
  type KeySpec,
  type Op,
  type ProviderFigures,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type TokenCapabilities,
  type TokenState,
  WarderError,
  type WrappedImport,
} from '@warder/contract'
import { malformed } from './argument-checks.ts'
import {
  answerBySchema,
  capabilitiesAnswer,
  figuresAnswer,
  generatedAnswer,
  healthAnswer,
  locatedAnswer,
  nothingAnswer,
  parseBytes,
  parsePlaintext,
  parseSealed,
  parseSignatures,
  rootKeyAnswer,
  rootKeyBackupAnswer,
  sealedRefAnswer,
  tokenAnswer,
} from './answers.ts'
import {
  lengthArguments,
  noArguments,
  parseBySchema,
  parseExportArguments,
  parseImportArguments,
  parseResidentArguments,
  parseSealedArguments,
  sealedArguments,
  secretArguments,
  specArguments,
  type ExportArguments,
} from './arguments.ts'
import {
  decryptRuns,
  encryptRuns,
  macRuns,
  parseDeriveArguments,
  parseSignAllArguments,
  parseUnwrapArguments,
  parseWrapArguments,
  signRuns,
  type BytesArguments,
  type DecryptArguments,
  type EncryptArguments,
  type SignAllArguments,
  type SignArguments,
} from './operation-arguments.ts'
import type { RunForm } from './runs.ts'

/** One thing a caller may ask of a host. Both ends read it: what is not in the table does not cross. */
export interface Command<Args, Result> {
  /** How long a caller waits, where that differs from its usual patience. */
  readonly timeoutMs: number | undefined
  /** True for what leaves a little memory behind in a PKCS#11 module or its binding, each time. */
  readonly wears: boolean
  /** True when the answer is secret and the host must wipe it once it is encoded. */
  readonly secretAnswer: boolean
  /** Present where calls go in runs, and then only so. */
  readonly runs: RunForm<Args> | undefined
  /** Host side. @throws WarderError `malformed-request` naming the argument that is wrong. */
  parseArgs(value: unknown): Args
  /** Host side: does it, and wipes the arguments that are secret. Answers plain data, `null` for nothing. */
  serve(provider: KeyProvider, args: Args, op: Op): Promise<unknown>
  /** Caller side. @throws WarderError `hsm-failed` when this is no answer to this command. */
  parseAnswer(answer: unknown): Result
  /** Types only: what the caller passes. */
  readonly args?: Args
}

interface Definition<Args, Result> {
  readonly timeoutMs?: number
  readonly secretAnswer?: boolean
  readonly wears?: boolean
  /** The argument that is secret. */
  readonly secretArgument?: (args: Args) => Uint8Array
  readonly run: (provider: KeyProvider, args: Args, op: Op) => Promise<unknown>
  readonly answer: (value: unknown) => Result
}

type Asked<Args> = { readonly args: (value: unknown) => Args } | { readonly runs: RunForm<Args> }

const define = <Args, Result>(definition: Definition<Args, Result> & Asked<Args>): Command<Args, Result> => {
  const { run, secretArgument } = definition
  return {
    timeoutMs: definition.timeoutMs,
    secretAnswer: definition.secretAnswer ?? false,
    wears: definition.wears ?? false,
    runs: 'runs' in definition ? definition.runs : undefined,
    parseArgs: 'args' in definition ? definition.args : () => refuseOutsideRun(),
    serve:
      secretArgument === undefined
        ? run
        : async (provider, args, op) => {
            try {
              return await run(provider, args, op)
            } finally {
              secretArgument(args).fill(0)
            }
          },
    parseAnswer: definition.answer,
  }
}

function refuseOutsideRun(): never {
  throw malformed('op')
}

export const commands = {
  capabilities: define<object, TokenCapabilities>({
    // the first of a host tries an RSA key
    timeoutMs: 15_000,
    args: value => parseBySchema(noArguments, value),
    run: (provider, _, op) => provider.capabilities(op),
    answer: value => answerBySchema(capabilitiesAnswer, value),
  }),
  token: define<object, TokenState>({
    args: value => parseBySchema(noArguments, value),
    run: async (provider, _, op) => {
      if (provider.token !== undefined) return provider.token(op)
      throw new WarderError('unsupported-mechanism', 'This HSM plugin cannot share root keys between tokens')
    },
    answer: value => answerBySchema(tokenAnswer, value),
  }),
  generate: define<{ spec: KeySpec }, GeneratedKey>({
    wears: true,
    // RSA-4096 takes seconds, tens of them at worst
    timeoutMs: 60_000,
    args: value => parseBySchema(specArguments, value),
    run: (provider, { spec }, op) => provider.generate(spec, op),
    answer: value => answerBySchema(generatedAnswer, value),
  }),
  locate: define<{ ref: ResidentRef }, Omit<GeneratedKey, 'ref'> | undefined>({
    args: parseResidentArguments,
    run: async (provider, { ref }, op) => (await provider.locate(ref, op)) ?? null,
    answer: value => answerBySchema(locatedAnswer, value),
  }),
  sign: define<SignArguments, Uint8Array>({
    runs: signRuns,
    run: (provider, { ref, algorithm, input }, op) => provider.sign(ref, algorithm, input, op),
    answer: parseBytes,
  }),
  signAll: define<SignAllArguments, readonly Uint8Array[]>({
    args: parseSignAllArguments,
    run: (provider, { ref, algorithm, inputs }, op) =>
      provider.signAll?.(ref, algorithm, inputs, op) ??
      Promise.all(inputs.map(input => provider.sign(ref, algorithm, input, op))),
    answer: parseSignatures,
  }),
  encrypt: define<EncryptArguments, Sealed>({
    runs: encryptRuns,
    secretArgument: ({ plaintext }) => plaintext,
    run: (provider, { ref, plaintext, aad }, op) => provider.encrypt(ref, plaintext, aad, op),
    answer: parseSealed,
  }),
  decrypt: define<DecryptArguments, Uint8Array>({
    secretAnswer: true,
    runs: decryptRuns,
    run: (provider, { ref, input }, op) => provider.decrypt(ref, input, op),
    answer: parsePlaintext,
  }),
  mac: define<BytesArguments, Uint8Array>({
    // a MAC may well be somebody's key
    secretAnswer: true,
    runs: macRuns,
    secretArgument: ({ bytes }) => bytes,
    run: (provider, { ref, bytes }, op) => provider.mac(ref, bytes, op),
    answer: parseBytes,
  }),
  wrap: define<BytesArguments, Uint8Array>({
    wears: true,
    args: parseWrapArguments,
    secretArgument: ({ bytes }) => bytes,
    run: (provider, { ref, bytes }, op) => provider.wrap(ref, bytes, op),
    answer: parseBytes,
  }),
  unwrap: define<BytesArguments, Uint8Array>({
    wears: true,
    secretAnswer: true,
    args: parseUnwrapArguments,
    run: (provider, { ref, bytes }, op) => provider.unwrap(ref, bytes, op),
    answer: parseBytes,
  }),
  derive: define<BytesArguments, Uint8Array>({
    wears: true,
    secretAnswer: true,
    args: parseDeriveArguments,
    run: (provider, { ref, bytes }, op) => provider.derive(ref, bytes, op),
    answer: parseBytes,
  }),
  random: define<{ length: number }, Uint8Array>({
    secretAnswer: true,
    args: value => parseBySchema(lengthArguments, value),
    run: (provider, { length }, op) => provider.random(length, op),
    answer: parseBytes,
  }),
  importKey: define<{ request: WrappedImport }, GeneratedKey>({
    wears: true,
    timeoutMs: 60_000,
    args: parseImportArguments,
    run: (provider, { request }, op) => provider.importKey(request, op),
    answer: value => answerBySchema(generatedAnswer, value),
  }),
  exportKey: define<ExportArguments, Uint8Array>({
    wears: true,
    timeoutMs: 15_000,
    args: parseExportArguments,
    run: (provider, { ref, recipient, oaep }, op) => provider.exportKey(ref, recipient, oaep, op),
    answer: parseBytes,
  }),
  newestRootKey: define<object, number>({
    args: value => parseBySchema(noArguments, value),
    run: (provider, _, op) => provider.newestRootKey(op),
    answer: value => answerBySchema(rootKeyAnswer, value),
  }),
  createRootKey: define<object, number>({
    // it is made on every token, a second or two for each
    timeoutMs: 60_000,
    args: value => parseBySchema(noArguments, value),
    run: (provider, _, op) => provider.createRootKey(op),
    answer: value => answerBySchema(rootKeyAnswer, value),
  }),
  rootKeyBackup: define<object, RootKeyBackup>({
    // each root key is asked which one it is
    timeoutMs: 15_000,
    args: value => parseBySchema(noArguments, value),
    run: async (provider, _, op) => {
      if (provider.rootKeyBackup !== undefined) return provider.rootKeyBackup(op)
      throw new WarderError('unsupported-mechanism', 'This HSM plugin backs up no root keys', {
        facts: { reason: 'no-root-key-backup' },
      })
    },
    answer: value => answerBySchema(rootKeyBackupAnswer, value),
  }),
  rewrap: define<{ ref: SealedRef }, SealedRef>({
    wears: true,
    timeoutMs: 15_000,
    args: parseSealedArguments,
    run: (provider, { ref }, op) => provider.rewrap(ref, op),
    answer: value => answerBySchema(sealedRefAnswer, value),
  }),
  forget: define<{ ref: SealedRef }, void>({
    // a host that hangs is not waited for: when it is replaced, what it had is gone
    timeoutMs: 1000,
    args: parseSealedArguments,
    run: async (provider, { ref }, op) => {
      await provider.forget?.(ref, op)
      return null
    },
    answer: value => answerBySchema(nothingAnswer, value),
  }),
  sealStoreSecret: define<{ secret: Uint8Array }, Uint8Array>({
    args: value => parseBySchema(secretArguments, value),
    secretArgument: ({ secret }) => secret,
    run: (provider, { secret }, op) => provider.sealStoreSecret(secret, op),
    answer: parseBytes,
  }),
  openStoreSecret: define<{ sealed: Uint8Array }, Uint8Array>({
    secretAnswer: true,
    args: value => parseBySchema(sealedArguments, value),
    run: (provider, { sealed }, op) => provider.openStoreSecret(sealed, op),
    answer: parseBytes,
  }),
  destroy: define<{ ref: ResidentRef }, void>({
    timeoutMs: 30_000,
    args: parseResidentArguments,
    run: async (provider, { ref }, op) => {
      await provider.destroy(ref, op)
      return null
    },
    answer: value => answerBySchema(nothingAnswer, value),
  }),
  figures: define<object, ProviderFigures | undefined>({
    timeoutMs: 1000,
    args: value => parseBySchema(noArguments, value),
    run: async provider => provider.figures?.() ?? null,
    answer: value => answerBySchema(figuresAnswer, value),
  }),
  health: define<object, Health>({
    timeoutMs: 2000,
    args: value => parseBySchema(noArguments, value),
    run: (provider, _, op) => provider.health(op),
    answer: value => answerBySchema(healthAnswer, value),
  }),
}

export type Commands = typeof commands
export type CommandName = keyof Commands
export type ArgsOf<Name extends CommandName> = NonNullable<Commands[Name]['args']>
export type ResultOf<Name extends CommandName> = ReturnType<Commands[Name]['parseAnswer']>

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name)
}
