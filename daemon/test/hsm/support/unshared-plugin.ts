import { plugin as faulty } from './faulty-plugin.ts'

/** TEST ONLY. Cannot share root keys between tokens. */
export const plugin = { ...faulty, supports: { resident: true, sealed: true } }
