import type { GeneratedKey, Health, KeyProvider, KeyRef, KeySpec, Op, TokenCapabilities } from '@warder/contract'
import {
  answerBySchema,
  capabilitiesAnswer,
  generatedAnswer,
  healthAnswer,
  locatedAnswer,
  nothingAnswer,
  parseBytes,
} from './answers.ts'
import {
  lengthArguments,
  noArguments,
  parseBySchema,
  parseSignArguments,
  residentArguments,
  sealedArguments,
  secretArguments,
  specArguments,
  type SignArguments,
} from './arguments.ts'

/** One thing a caller may ask of a host. Both ends read it: what is not in the table does not cross. */
export interface Command<Args, Result> {
  /** How long a caller waits, where that differs from its usual patience. */
  readonly timeoutMs: number | undefined
  /** True when the answer is secret and the host must wipe it once it is encoded. */
  readonly secretAnswer: boolean
  /** Host side: checks the arguments, then does it. Answers plain data, `null` for nothing. */
  serve(provider: KeyProvider, args: unknown, op: Op): Promise<unknown>
  /** Caller side. @throws WarderError `hsm-failed` when this is no answer to this command. */
  parseAnswer(answer: unknown): Result
  /** Types only: what the caller passes. */
  readonly args?: Args
}

interface Definition<Args, Result> {
  readonly timeoutMs?: number
  readonly secretAnswer?: boolean
  readonly args: (value: unknown) => Args
  readonly run: (provider: KeyProvider, args: Args, op: Op) => Promise<unknown>
  readonly answer: (value: unknown) => Result
}

const define = <Args, Result>(definition: Definition<Args, Result>): Command<Args, Result> => ({
  timeoutMs: definition.timeoutMs,
  secretAnswer: definition.secretAnswer ?? false,
  serve: async (provider, args, op) => definition.run(provider, definition.args(args), op),
  parseAnswer: definition.answer,
})

type ResidentRef = KeyRef & { custody: 'resident' }

export const commands = {
  capabilities: define<object, TokenCapabilities>({
    args: value => parseBySchema(noArguments, value),
    run: (provider, _, op) => provider.capabilities(op),
    answer: value => answerBySchema(capabilitiesAnswer, value),
  }),
  generate: define<{ spec: KeySpec }, GeneratedKey>({
    // RSA-4096 takes seconds, tens of them at worst
    timeoutMs: 60_000,
    args: value => parseBySchema(specArguments, value),
    run: (provider, { spec }, op) => provider.generate(spec, op),
    answer: value => answerBySchema(generatedAnswer, value),
  }),
  locate: define<{ ref: ResidentRef }, { readonly spki: Uint8Array } | undefined>({
    args: value => parseBySchema(residentArguments, value),
    run: async (provider, { ref }, op) => (await provider.locate(ref, op)) ?? null,
    answer: value => answerBySchema(locatedAnswer, value),
  }),
  sign: define<SignArguments, Uint8Array>({
    args: parseSignArguments,
    run: (provider, { ref, algorithm, input }, op) => provider.sign(ref, algorithm, input, op),
    answer: parseBytes,
  }),
  random: define<{ length: number }, Uint8Array>({
    secretAnswer: true,
    args: value => parseBySchema(lengthArguments, value),
    run: (provider, { length }, op) => provider.random(length, op),
    answer: parseBytes,
  }),
  sealStoreSecret: define<{ secret: Uint8Array }, Uint8Array>({
    args: value => parseBySchema(secretArguments, value),
    run: async (provider, { secret }, op) => {
      try {
        return await provider.sealStoreSecret(secret, op)
      } finally {
        secret.fill(0)
      }
    },
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
    args: value => parseBySchema(residentArguments, value),
    run: async (provider, { ref }, op) => {
      await provider.destroy(ref, op)
      return null
    },
    answer: value => answerBySchema(nothingAnswer, value),
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
