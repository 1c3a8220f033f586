import type { KeyProvider, Store } from '@warder/contract'
import { MemoryMedium, memoryStorage } from '@warder/testkit'
import { z } from 'zod'
import { type Foundation, openFoundation, type Ports } from '../../src/engine.ts'
import { Journal } from '../../src/audit/journal.ts'
import type { Collection } from '../../src/records/repository.ts'
import { contextOver, silent } from './journal.ts'
import { MemoryFiles } from './memory-files.ts'

export const op = { signal: new AbortController().signal }

/** A collection as simple as they come. */
export const notes: Collection<{ text: string }> = {
  name: 'notes',
  schema: z.strictObject({ text: z.string() }),
  attributes: ({ text }) => ({ length: text.length, words: text.split(' ') }),
}

export const draft = {
  type: 'system',
  action: 'note:write',
  correlation: 'r',
  actor: 'someone',
  subject: {},
  result: 'ok',
} as const

/** What a machine has on its disks. */
export class Disks {
  readonly files = new MemoryFiles()
  readonly medium = new MemoryMedium()

  async create(): Promise<void> {
    await (await Journal.create(contextOver(this.files), 'origin-1')).close()
  }

  async store(): Promise<Store> {
    return memoryStorage.open({ medium: this.medium }, { log: silent, now: () => new Date() }, op)
  }

  /** Starts the engine's foundation on these disks, as after a boot. */
  async boot(store?: Store): Promise<Foundation> {
    const ports: Ports = {
      store: store ?? (await this.store()),
      hsm: {} as KeyProvider,
      journalFiles: this.files,
      storeSecret: new Uint8Array(32).fill(9),
      log: silent,
      now: () => new Date(),
      node: 'test',
    }
    return openFoundation(ports, op)
  }

  /** What a power cut at this moment would leave. */
  async copy(): Promise<Disks> {
    const copy = new Disks()
    for (const [name, content] of this.files.contents) copy.files.contents.set(name, Buffer.from(content))
    for (const id of this.medium.ids('notes')) {
      const record = this.medium.get('notes', id)
      if (record) copy.medium.set(record)
    }
    return copy
  }
}
