export { plugin, type SqliteConfig } from './plugin.ts'
