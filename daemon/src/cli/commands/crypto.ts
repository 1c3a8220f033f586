import { type Command, Option } from 'commander'
import { oaepAlgorithms, signatureAlgorithms } from '@warder/contract'
import { examples, remark } from '../manual/notes.ts'
import { connected, inSpace, versionNumber, wholeNumber, withOut } from './options.ts'
import { addVerifyStore } from './recovery.ts'

const keyVersion = (): Option =>
  new Option('--key-version <number>', 'this version; the primary one when absent').argParser(versionNumber)

const algorithm = (): Option =>
  new Option('--algorithm <algorithm>', "how to sign; the key's default when absent").choices(signatureAlgorithms)
const form = (): Option =>
  new Option('--form <form>', 'form of an ES* signature; der when absent').choices(['der', 'raw'])
const oaep = (): Option =>
  new Option('--algorithm <algorithm>', 'of an RSA key; the first that the HSM offers when absent').choices(
    oaepAlgorithms,
  )

export function addCryptoCommands(warder: Command): void {
  const ofFile = (name: string, description: string): Command =>
    warder
      .command(name)
      .description(description)
      .argument('[file]', 'what to read; - or nothing is standard input')
      .requiredOption('--key <name>', 'the key')

  const sign = ofFile('sign', 'sign a file of any size')
    .addOption(algorithm())
    .addOption(form())
    .addOption(keyVersion())
  inSpace(withOut(sign)).action(async (file, flags) => (await import('../crypto/sign.ts')).sign(file, flags))
  remark(sign, longInput)
  examples(sign, 'warder sign release.tar --key orders --out release.tar.sig --encoding binary')

  const verify = warder
    .command('verify')
    .description('check the signature of a file; exit code 0 when it is valid, 1 when it is not')
    .argument('[file]', 'what to read; - or nothing is standard input')
    // not required by the parser, which would require them of `verify store` too
    .option('--key <name>', 'the key; required')
    .option('--signature <file>', 'the signature, as base64 or as bytes; required')
    .addOption(algorithm())
    .addOption(form())
    .addOption(keyVersion())
  inSpace(verify).action(async (file, flags) => (await import('../crypto/verify.ts')).verify(file, flags))
  remark(verify, longInput)
  examples(verify, 'warder verify release.tar --key orders --signature release.tar.sig')
  addVerifyStore(verify)

  addEncryption(ofFile)

  const mac = ofFile('mac', 'authenticate up to 64 KiB with an HMAC, or check one')
    .addOption(keyVersion())
    .option('--verify <file>', 'check this MAC instead; exit code 0 when it is valid, 1 when it is not')
  inSpace(withOut(mac)).action(async (file, flags) => (await import('../crypto/mac.ts')).mac(file, flags))
  examples(mac, 'warder mac body.json --key webhooks --encoding hex')

  const random = warder
    .command('random')
    .description("bytes from the HSM's generator")
    .argument('<length>', 'how many, 1 to 4096', wholeNumber(1, 4096))
  connected(withOut(random)).action(async (length, flags) =>
    (await import('../crypto/random.ts')).random(length, flags),
  )
  examples(random, 'warder random 32 --encoding hex')
}

function addEncryption(ofFile: (name: string, description: string) => Command): void {
  const encrypt = ofFile('encrypt', 'encrypt a file of any size')
    .addOption(oaep())
    .option('--aad <text>', 'bound to the ciphertext, not in it; no secret')
    .option('--envelope', 'use the file format for small files too')
    .addOption(keyVersion())
  inSpace(withOut(encrypt)).action(async (file, flags) => (await import('../crypto/encrypt.ts')).encrypt(file, flags))
  remark(
    encrypt,
    'Up to 64 KiB are encrypted by the HSM. Longer input is encrypted on this machine with a fresh data key that only the ' +
      'HSM can open (format warder-file-v1), written as bytes whatever --encoding says.',
  )
  examples(encrypt, 'warder encrypt dump.sql --key backups --out dump.sql.enc')

  const decrypt = ofFile('decrypt', 'decrypt what encrypt made')
    .addOption(oaep())
    .option('--aad <text>', 'as it was given to encrypt')
    .addOption(keyVersion())
  inSpace(withOut(decrypt, { encoded: false })).action(async (file, flags) =>
    (await import('../crypto/decrypt.ts')).decrypt(file, flags),
  )
  remark(
    decrypt,
    'The output file appears only when all of the input was found to be genuine. Standard output gets each 64 KiB once they ' +
      'are: believe them when the exit code is 0.',
  )
  examples(decrypt, 'warder decrypt dump.sql.enc --key backups --out restored.sql')
}

const longInput =
  'Input above 64 KiB is hashed on this machine and its digest is sent; Ed25519 keys sign the message itself, so 64 KiB is ' +
  'their limit. Hashing needs --algorithm, or the permission to read the key.'
