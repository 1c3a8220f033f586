// Mocha's dots, its report of failures, and one plain closing line that a program can read: `N passed, N failed`.
// A pending test counts as a failure (.mocharc.json forbids them, and mocha then fails the test itself).
import Mocha from 'mocha'

export default class Reporter extends Mocha.reporters.Dot {
  constructor(runner, options) {
    super(runner, options)
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures } = this.stats
      process.stdout.write(`${passes} passed, ${failures} failed\n`)
    })
  }
}
