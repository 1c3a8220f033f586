import { keyAlgorithms, type KeyAlgorithm, type SelfTestFinding, usagesOf } from '@warder/contract'
import { mechanismName } from '../cryptoki.ts'
import { missingToGenerate, missingToServe, type Mechanisms } from '../mechanisms.ts'
import { note, ok, problem } from './findings.ts'

const check = 'mechanisms'

/** Which algorithms the token's own list of mechanisms leaves out, and for want of what. */
export function algorithmFindings(mechanisms: Mechanisms): readonly SelfTestFinding[] {
  const lacking = keyAlgorithms.flatMap(algorithm => {
    const missing = missingFor(mechanisms, algorithm)
    return missing === undefined ? [] : [{ algorithm, mechanism: mechanismName(missing) }]
  })
  const offered = keyAlgorithms.length - lacking.length
  if (offered === 0) {
    const remedy = {
      why: 'no key of any kind can be made here',
      fix: "allow mechanisms in the token's own configuration or policy",
    }
    return [problem(check, `the token lacks what every algorithm needs (${mechanisms.size} mechanisms)`, remedy)]
  }
  return [
    ok(check, `${offered} of ${keyAlgorithms.length} key algorithms, from ${mechanisms.size} mechanisms`),
    ...lacking.map(({ algorithm, mechanism }) =>
      note(check, `no ${algorithm} keys: ${mechanism} is missing`, `such keys are refused, naming the mechanism`),
    ),
  ]
}

/** The mechanism for want of which such keys serve no purpose at all. */
function missingFor(mechanisms: Mechanisms, algorithm: KeyAlgorithm): number | undefined {
  const generation = missingToGenerate(mechanisms, algorithm)
  if (generation !== undefined) return generation
  const missing = usagesOf[algorithm].map(usage => missingToServe(mechanisms, algorithm, usage))
  return missing.includes(undefined) ? undefined : missing[0]
}
