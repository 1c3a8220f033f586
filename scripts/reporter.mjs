// Mocha's dots, its report of failures, the files that took longest, and one plain closing line that a program can read:
// `N passed, N failed`. A pending test counts as a failure (scripts/mocha.cjs forbids them, and mocha then fails the test itself).
import { relative } from 'node:path'
import Mocha from 'mocha'

const shown = 12
const built = 'test/dist/built'
const { EVENT_RUN_END, EVENT_TEST_END } = Mocha.Runner.constants

export default class Reporter extends Mocha.reporters.Dot {
  constructor(runner, options) {
    super(runner, options)
    const byFile = new Map()
    runner.on(EVENT_TEST_END, ({ file = '', duration = 0 }) => byFile.set(file, (byFile.get(file) ?? 0) + duration))
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures } = this.stats
      const longest = [...byFile].sort(([, a], [, b]) => b - a).slice(0, shown)
      const lines = longest.map(([file, ms]) => `  ${(ms / 1000).toFixed(0).padStart(4)} s  ${relative(built, file)}`)
      process.stdout.write(`In tests, without what is before and after them:\n${lines.join('\n')}\n\n`)
      process.stdout.write(`${passes} passed, ${failures} failed\n`)
    })
  }
}
