import { type SecretReference, WarderError } from '@warder/contract'
import { operatorSecretsIn, referencesIn } from '../config/references.ts'
import { readSecret } from '../config/secret-reference.ts'
import { copyOf } from './operator-secret.ts'

/**
 * The secrets that one plugin may have: those that its own configuration refers to, and no other. The operator's is held
 * until {@link erase}, which is when the plugin has opened what it needed it for.
 */
export class PluginSecrets {
  readonly #configs: readonly unknown[]
  #operator: Uint8Array | undefined

  /** `configs`: of its token, and of those that it shares root keys with. Takes `operator` for its own. */
  constructor(configs: readonly unknown[], operator: Uint8Array | undefined) {
    this.#configs = configs
    this.#operator = operator
  }

  /** See `secret` of the contract's PluginHost. */
  async read(reference: SecretReference): Promise<Uint8Array> {
    if ('operator' in reference) {
      if (!this.#configs.some(config => operatorSecretsIn(config).length > 0)) throw notReferred()
      if (this.#operator === undefined) throw new WarderError('sealed', 'The operator has not given the secret')
      return copyOf(this.#operator)
    }
    const [kind, value] = 'file' in reference ? ['file', reference.file] : ['credential', reference.credential]
    const referred = this.#configs.flatMap(referencesIn)
    if (!referred.some(each => each.kind === kind && each.value === value)) throw notReferred()
    return readSecret(`${kind}:${value}`, process.env)
  }

  erase(): void {
    this.#operator?.fill(0)
    this.#operator = undefined
  }
}

const notReferred = (): WarderError =>
  new WarderError('config-invalid', "The plugin's configuration refers to no such secret")
