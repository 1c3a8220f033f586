import { isAbsolute } from 'node:path'
import { z } from 'zod'

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path')

/** Configuration of the plugin. Every path is absolute; the PIN itself is never part of it. */
export const ConfigSchema = z.strictObject({
  /** The PKCS#11 module (a shared object). */
  module: absolutePath,
  /** Which token, by exactly one of its label or its serial number; never by slot, which moves. */
  token: z.union([
    z.strictObject({ label: z.string().min(1).max(32) }),
    z.strictObject({ serial: z.string().min(1).max(16) }),
  ]),
  /**
   * Where the PIN is: a file, the name of a systemd credential (a file below `$CREDENTIALS_DIRECTORY`), or with the
   * operator, who unseals the appliance.
   */
  pin: z.union([
    z.strictObject({ file: absolutePath }),
    z.strictObject({
      credential: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/, 'must be a credential name'),
    }),
    z.strictObject({ operator: z.literal(true) }),
  ]),
  /** A directory that outlives the process: it remembers a refused PIN. Made with mode 0700 when missing. */
  stateDir: absolutePath,
  /**
   * A PEM file with an RSA public key of 3072 or 4096 bits, or a certificate of one. Root keys made from then on are wrapped
   * to it, so that who holds its private key can put them on another token. Who may write this file chooses who that is.
   */
  backupRecipient: absolutePath.optional(),
  /** Set in the environment of this process before `C_Initialize`, for modules configured that way. */
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Handed to `C_Initialize` (its `pReserved`), for modules configured that way, such as NSS. No secret belongs here. */
  initString: z.string().min(1).max(1024).optional(),
  sessions: z
    .strictObject({
      /** Most sessions used at once; the token's own limit is respected when it is lower. */
      max: z.int().min(1).max(1024).default(32),
    })
    .prefault({}),
  /** Unwrapped sealed keys held on the token as session objects. */
  cache: z
    .strictObject({
      entries: z.int().min(1).max(100_000).default(256),
      /** Seconds from the unwrap, whether used meanwhile or not. */
      ttl: z.int().min(1).max(86_400).default(900),
    })
    .prefault({}),
})

export type Config = z.output<typeof ConfigSchema>
