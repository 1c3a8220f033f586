export { compose, initialiseAppliance, type Appliance } from './compose.ts'
export { type DevAppliance, type Ready, startDev } from './dev/run.ts'
