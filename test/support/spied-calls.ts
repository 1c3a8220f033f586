import { join } from 'node:path'

// of Debian's opensc-pkcs11
export const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
/** OpenSC's spy, which stands before a module and writes down what that is asked. */
export const spyModule = join(libraries, 'pkcs11-spy.so')

/** How often the module was asked for this, such as `C_Sign`. */
export function countCallsIn(log: string, name: string): number {
  return log.match(new RegExp(`^\\d+: ${name}$`, 'gm'))?.length ?? 0
}

/** What it was asked to sign, hexadecimal, in the order of the asking. What a kill tore apart is left out. */
export function signedInputsIn(log: string): readonly string[] {
  return log.split(/^\d+: /m).flatMap(call => {
    if (!call.startsWith('C_Sign\n')) return []
    const input = /^\[in\] pData.*\n((?: {4}[0-9A-F]{8} .*\n)+)/m.exec(call)?.[1]
    return input === undefined ? [] : [bytesOfDump(input)]
  })
}

/** Of lines such as `    00000010  EC 77 B1  .w.`: an offset, up to 16 bytes, and the same as text. */
function bytesOfDump(lines: string): string {
  return lines
    .split('\n')
    .map(line => line.slice(14, 14 + 16 * 3).replaceAll(' ', ''))
    .join('')
    .toLowerCase()
}
