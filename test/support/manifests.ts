import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectFiles, root } from './files.ts'
import type { Manifest } from './import-violations.ts'

/** A package.json as far as this project's checks read it. */
export interface PackageJson {
  readonly name: string
  readonly license?: string
  readonly engines?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

export function readPackageJson(file: string): PackageJson {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as PackageJson
}

/** Every package.json of the project. */
export function packageFiles(): string[] {
  return projectFiles().filter(file => /(^|\/)package\.json$/.test(file) && !file.includes('/fixtures/'))
}

export function manifests(): Manifest[] {
  return packageFiles().map(file => {
    const { name, dependencies, devDependencies, optionalDependencies } = readPackageJson(file)
    return {
      folder: file === 'package.json' ? '' : dirname(file),
      name,
      dependencies: Object.keys({ ...dependencies, ...optionalDependencies }),
      devDependencies: Object.keys(devDependencies ?? {}),
    }
  })
}
