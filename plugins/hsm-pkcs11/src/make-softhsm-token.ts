import { resolve } from 'node:path'
import { WarderError } from '@warder/contract'
import { createSoftHsmToken } from './softhsm.ts'

// A program: `node make-softhsm-token.js DIR`. Prints where the plugin's configuration for the token is.
const [directory] = process.argv.slice(2)
if (directory === undefined) {
  process.stderr.write('usage: make-softhsm-token DIR\n')
  process.exitCode = 1
} else {
  try {
    await createSoftHsmToken(directory)
    process.stdout.write(`${resolve(directory, 'hsm.json')}\n`)
  } catch (error) {
    if (!WarderError.is(error)) throw error
    process.stderr.write(`${error.code}: ${error.message}\n`)
    process.exitCode = 1
  }
}
