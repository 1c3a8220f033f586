export { plugin, type FilesystemConfig } from './plugin.ts'
