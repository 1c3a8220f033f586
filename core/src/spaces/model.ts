export interface SpaceView {
  readonly name: string
  readonly description: string
  readonly createdAt: string
  readonly createdBy: string
}
