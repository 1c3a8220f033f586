import { expect } from 'chai'
import { type Figure, resultOf, type Round, type Sample, throughput } from './figure.ts'
import type { Machine } from './machine.ts'
import { figureText } from './figure-text.ts'
import { goalRows } from './goals.ts'
import { placed, toMarkdown } from './report.ts'

const sample = (rate: number): Sample => ({ rate, p50Ms: 1, p99Ms: 2, cpuMicros: { api: rate / 10, hosts: 5 } })
const round = (ours: number, theirs: number): Round => ({ ours: sample(ours), theirs: sample(theirs) })
const rounds = [round(50, 100), round(90, 100), round(60, 200)]

describe('a figure of a benchmark', () => {
  it('is compared within each round, and its interval is that of the ratio', () => {
    const result = resultOf(throughput('engine.x', 'ours', 'theirs', true), rounds)
    expect(result).to.include({ id: 'engine.x', value: 60, unit: 'ops/s', against: 'theirs' })
    expect(result).to.include({ ratio: 0.5, low: 0.3, high: 0.9, p99Ms: 2 })
    expect(result.cpuMicros).to.deep.equal({ api: 6, hosts: 5 })
  })

  it('that stands alone has the interval of its value, and says nothing about a ratio', () => {
    const result = resultOf(throughput('echo', 'theirs', undefined, false), rounds)
    expect(result).to.include({ against: null, ratio: null, value: 100, low: 100, high: 200 })
  })

  it('is an error when one of its subjects was not measured', () => {
    const figure: Figure = throughput('engine.x', 'ours', 'another', true)
    expect(() => resultOf(figure, rounds)).to.throw('another was not measured')
  })
})

describe('the report of a benchmark', () => {
  const machine = { processor: 'P', cores: 2 } as Machine
  const results = [{ ...resultOf(throughput('engine.x', 'ours', 'theirs', true), rounds), note: 'with care' }]

  it('tells every figure with its interval, and the notes below', () => {
    const text = toMarkdown({ machine, rounds: 3, windowMs: 100, results })
    expect(text).to.include('processor P, cores 2.')
    expect(text).to.include('| `engine.x` | 60 ops/s | 0.5 | 0.3 – 0.9 | `theirs` | 1 / 2 | api 6, hosts 5 |')
    expect(text).to.include('- `engine.x`: with care')
  })

  it('holds what was reached to what was asked, of what was measured', () => {
    const goals = [
      { id: 'engine.x', says: 'half of it', of: 'ratio', least: 0.5 },
      { id: 'engine.x', says: 'most of it', of: 'ratio', least: 0.9 },
      { id: 'engine.x', says: 'slowly', of: 'value', most: 50 },
      { id: 'engine.y', says: 'nobody looked', of: 'value', most: 1 },
    ] as const
    const rows = goalRows(results, goals)
    expect(rows.map(([says, , asked, reached, , met]) => [says, asked, reached, met])).to.deep.equal([
      ['half of it', '≥ 0.5', '0.5', 'met'],
      ['most of it', '≥ 0.9', '0.5', 'missed'],
      ['slowly', '≤ 50', '60', 'missed'],
    ])
  })

  it('says so when the machine had other things to do', () => {
    const of = (loadBefore: number): string =>
      toMarkdown({ machine: { ...machine, loadBefore }, rounds: 3, windowMs: 100, results })
    expect(of(9)).to.include('The machine was busy')
    expect(of(0.5)).not.to.include('The machine was busy')
  })

  it('takes its place between the marks of a document, and leaves the rest of it', () => {
    const report = { machine, rounds: 3, windowMs: 100, results }
    const document = 'before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n'
    const once = placed(document, report)
    expect(once)
      .to.match(/^before\n<!-- measured: begin -->\n\nprocessor P/)
      .and.to.match(/<!-- measured: end -->\nafter\n$/)
    expect(once).to.include('`engine.x`').and.not.to.include('old')
    expect(placed(once, report)).to.equal(once)
    expect(placed(undefined, report)).to.equal(toMarkdown(report))
  })

  it('writes three digits', () => {
    expect([0.123456, 12.3456, 1234.56, 0, Number.NaN].map(figureText)).to.deep.equal([
      '0.123',
      '12.3',
      '1235',
      '0',
      '?',
    ])
  })
})
