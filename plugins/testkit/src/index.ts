export type { ConformanceCase } from './conformance-case.ts'
export type { Direction, Fault } from './faults/fault.ts'
export {
  startFaultProxy,
  type FaultProxy,
  type FaultProxyOptions,
  type ProxyAddress,
  type TcpAddress,
} from './faults/fault-proxy.ts'
export type { Seen } from './faults/traffic.ts'
export * from './host.ts'
export { hsmConformance } from './hsm/conformance.ts'
export * from './hsm/subject.ts'
export { storageConformance } from './storage/conformance.ts'
export { MemoryMedium } from './storage/memory-medium.ts'
export { memoryStorage, type MemoryConfig } from './storage/memory-storage.ts'
export * from './storage/subject.ts'
export { writeUntilKilled } from './storage/write-until-killed.ts'
