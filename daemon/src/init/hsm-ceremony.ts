import { hostname } from 'node:os'
import { join } from 'node:path'
import { type HsmPlugin, type TokenRecord, WarderError } from '@warder/contract'
import { softwareHere } from '../ceremony/software.ts'
import { type Ceremony, writeTranscript } from '../ceremony/transcript.ts'
import { reserveTranscript, type TranscriptFile } from '../ceremony/transcript-file.ts'
import { transcriptName } from '../ceremony/transcripts.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { operatorPlacesOf, secretsOf } from '../config/tokens.ts'
import { findUser } from '../systemd/accounts.ts'
import { makeDirectory } from './directories.ts'
import { provisioning, type ProvisioningOptions, soPin } from './hsm-provisioning.ts'

export interface CeremonyOptions extends ProvisioningOptions {
  /** Who is there: shown in the transcript as given. */
  readonly present: readonly string[]
  /** Where the transcript goes; into the data directory when absent. */
  readonly transcript: string | undefined
}

const nobodyRecords = 'puts nothing on record'

/**
 * Does a step to the token that the configuration names, and writes a transcript of it: where it was asked for always, else
 * when the step did something. A plugin that puts nothing on record gets none, unless it was asked for.
 *
 * @throws WarderError `config-invalid` before anything is done when the transcript could not be written.
 */
export async function holdCeremony(
  options: CeremonyOptions,
  unable: string,
  step: (plugin: HsmPlugin) => HsmPlugin['provision'],
): Promise<readonly string[]> {
  const { file, present, transcript, say } = options
  const wanted = transcript !== undefined || present.length > 0
  present.forEach(requireName)
  const config = await loadConfig(file)
  const at = new Date()
  const place = await placeFor(config, transcript, at)
  try {
    const { done, record } = await provisioning(options, unable, plugin => recording(plugin, step(plugin), wanted, say))
    if (record === undefined) return done
    const pins = pinsOf(config, options.newToken)
    const { text, digest } = writeTranscript({ ...surroundings(config, file), at, present, done, pins, record })
    await place.write(text)
    say(`wrote the transcript ${place.path}, SHA-256 ${digest}: print it, have it signed, keep it`)
    if (transcript !== undefined) say(`next: warder init --transcript ${transcript} puts its digest into the journal`)
    return done
  } finally {
    await place.close()
  }
}

/** The token as it is now. Nothing is done to it. */
export function recordToken(options: ProvisioningOptions): Promise<TokenRecord> {
  return provisioning(options, nobodyRecords, plugin => plugin.ceremony?.bind(plugin))
}

function recording(plugin: HsmPlugin, provision: HsmPlugin['provision'], wanted: boolean, say: (line: string) => void) {
  if (provision === undefined) return undefined
  if (wanted && plugin.ceremony === undefined) {
    throw new WarderError('unsupported-mechanism', `The plugin ${plugin.name} ${nobodyRecords}: see its documentation.`)
  }
  return async (...given: Parameters<NonNullable<HsmPlugin['provision']>>) => {
    const done = await provision.apply(plugin, given)
    // said at once: whatever comes of the transcript, this was done
    for (const line of done) say(line)
    const record = wanted || done.length > 0 ? await plugin.ceremony?.(...given) : undefined
    return { done, record }
  }
}

async function placeFor(config: Config, transcript: string | undefined, at: Date): Promise<TranscriptFile> {
  if (transcript !== undefined) return reserveTranscript(transcript, undefined)
  const owner = config.user === undefined ? undefined : await findUser(config.user)
  const { uid, gid } = owner ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  await makeDirectory(config.dataDir, { mode: 0o700, uid, gid }).catch((cause: unknown) => {
    const message = `${config.dataDir} cannot be made for the transcript: say with --transcript where it goes.`
    throw new WarderError('config-invalid', message, { cause })
  })
  return reserveTranscript(join(config.dataDir, transcriptName(at)), owner)
}

function surroundings({ node }: Config, file: string): Pick<Ceremony, 'host' | 'node' | 'configuration' | 'software'> {
  return { host: hostname(), node, configuration: file, software: softwareHere() }
}

function pinsOf({ hsm, credentialsDir }: Config, newToken: boolean): readonly string[] {
  const of = [
    ...secretsOf(hsm).map(({ path, kind, value }) =>
      kind === 'file'
        ? `${path.join('.')}: file ${value}`
        : `${path.join('.')}: credential ${value}, from ${credentialsDir}`,
    ),
    ...operatorPlacesOf(hsm).map(path => `${path.join('.')}: with the operator`),
  ]
  return newToken ? [...of, `security officer: file ${join(credentialsDir, soPin)}`] : of
}

/** @throws WarderError `config-invalid` for what would not be one line of a transcript. */
function requireName(name: string): void {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u.test(name) && name.trim() === name) return
  throw new WarderError('config-invalid', 'A name is 1 to 100 characters on one line, without blanks around it.', {
    facts: { field: 'present' },
  })
}
