import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, notChecked, ok, problem, warning } from '../finding.ts'

/** Whether key and certificate belong together, and whom it names, is part of checking the configuration. */
export async function checkTls({ config: { tls }, now }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const chain = await readChain(tls.certificate)
  if (typeof chain === 'string') return [notChecked('TLS chain', chain)]
  const authority = tls.internalCa === undefined ? undefined : await readAuthority(tls.internalCa.directory)
  return [judgeChain(chain, now), ...(authority === undefined ? [] : [judgeAuthority(authority, chain, now)])]
}

export interface Issued {
  readonly subject: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whether the next certificate of the file has signed this one; `true` for the last. */
  readonly signedByNext: boolean
}

export function judgeChain(chain: readonly Issued[], now: Date): DoctorFinding {
  const check = 'TLS chain'
  const renew = 'warder tls renew, or get a certificate from whoever issued this one, then systemctl restart warder'
  const early = chain.find(({ notBefore }) => now < notBefore)
  const why = 'callers refuse the connection'
  if (early !== undefined) {
    const found = `${early.subject} is not valid before ${early.notBefore.toISOString()}`
    return problem(check, found, { why, fix: 'timedatectl set-ntp true if the clock is behind; else wait' })
  }
  const late = chain.find(({ notAfter }) => now >= notAfter)
  if (late !== undefined) {
    return problem(check, `${late.subject} expired on ${late.notAfter.toISOString()}`, { why, fix: renew })
  }
  const unsigned = chain.find(({ signedByNext }) => !signedByNext)
  if (unsigned !== undefined) {
    const fix = 'put the intermediates after the certificate, each signed by the next, then systemctl reload warder'
    return problem(check, `${unsigned.subject} is not signed by the certificate after it`, { why, fix })
  }
  const ends = chain[0]?.notAfter.toISOString().slice(0, 10) ?? ''
  return ok(check, `${chain.length} certificate${chain.length === 1 ? '' : 's'}; the server's ends on ${ends}`)
}

const dayMs = 86_400_000

/** The appliance's own authority: when it ends, every caller has to be given another. */
function judgeAuthority(authority: X509Certificate | string, chain: readonly Issued[], now: Date): DoctorFinding {
  const check = 'TLS authority'
  if (typeof authority === 'string') return notChecked(check, authority)
  const notAfter = new Date(authority.validTo)
  const ends = `it ends on ${notAfter.toISOString().slice(0, 10)}`
  const days = (notAfter.getTime() - now.getTime()) / dayMs
  const why = 'callers trust what it signs, and nothing after its end'
  const fix = 'move its directory away, warder init, and give callers the new ca.pem beside the old one'
  if (days < 0) return problem(check, ends, { why, fix })
  if (chain[0] !== undefined && notAfter < chain[0].notAfter) {
    return warning(check, `${ends}, before the certificate that it signed`, { why, fix })
  }
  return days < 90 ? warning(check, ends, { why, fix }) : ok(check, ends)
}

async function readChain(file: string): Promise<readonly Issued[] | string> {
  let certificates: readonly X509Certificate[]
  try {
    certificates = certificatesIn(await readFile(file, 'utf8'))
  } catch (error) {
    return `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'no certificate'})`
  }
  if (certificates.length === 0) return `${file} holds no certificate`
  return certificates.map((certificate, index) => {
    const next = certificates[index + 1]
    return {
      subject: certificate.subject.replaceAll('\n', ', ') || 'the certificate',
      notBefore: new Date(certificate.validFrom),
      notAfter: new Date(certificate.validTo),
      signedByNext: next === undefined || (certificate.checkIssued(next) && certificate.verify(next.publicKey)),
    }
  })
}

async function readAuthority(directory: string): Promise<X509Certificate | string> {
  const file = join(directory, 'ca.pem')
  try {
    return new X509Certificate(await readFile(file))
  } catch (error) {
    return `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'no certificate'})`
  }
}

export function certificatesIn(pem: string): readonly X509Certificate[] {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return parts.map(part => new X509Certificate(part))
}
