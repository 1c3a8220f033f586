// Node 20 does not give a worker the loader of --import, so one that runs from source registers it itself.
// Development only: the built writer.js is started directly.
import { register } from 'tsx/esm/api'

register()
await import('./writer.ts')
