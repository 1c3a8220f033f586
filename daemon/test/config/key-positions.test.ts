import { expect } from 'chai'
import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { keyPositions, pathKey } from '../../src/config/key-positions.ts'
import { isTable } from '../../src/config/merge.ts'

const at = (text: string, ...path: (string | number)[]): string | undefined => {
  const found = keyPositions(text).get(pathKey(path))
  return found && `${found.line}:${found.column}`
}

describe('keyPositions', () => {
  const text = [
    '# a comment with [brackets] and a = sign',
    'node = "a # no comment"',
    '  "quoted key" = 1',
    'a.b . "c.d" = { x = 1, "y" = [ { z = 2 } ] } # x = 3',
    'long = """',
    'fake = 1 \\"""',
    '[fake]',
    '"""',
    "raw = '''",
    '[also] fake = 1',
    "'''",
    'list = [',
    '  "one", # two = 2',
    '  { three = 3 },',
    ']',
    '[tls]',
    'key = "k"',
    '[ tls . internalCa ]',
    'hosts = ["a"]',
    '[[peer]]',
    'name = "first"',
    '[[peer]]',
    'name = "second"',
    '[peer.more]',
    'deep = 1',
  ].join('\n')

  for (const [path, position] of [
    [['node'], '2:1'],
    [['quoted key'], '3:3'],
    [['a', 'b', 'c.d'], '4:7'],
    [['a', 'b', 'c.d', 'x'], '4:17'],
    [['a', 'b', 'c.d', 'y', 0, 'z'], '4:34'],
    [['list', 1, 'three'], '14:5'],
    [['tls'], '16:2'],
    [['tls', 'key'], '17:1'],
    [['tls', 'internalCa', 'hosts'], '19:1'],
    [['peer', 0, 'name'], '21:1'],
    [['peer', 1, 'name'], '23:1'],
    [['peer', 1, 'more', 'deep'], '25:1'],
  ] as const)
    it(`finds ${path.join('.')} at ${position}`, () => {
      expect(() => parse(text)).not.to.throw()
      expect(at(text, ...path)).to.equal(position)
    })

  it('takes nothing inside strings and comments for a key', () => {
    for (const path of [['fake'], ['also'], ['two']]) expect(at(text, ...path)).to.equal(undefined)
  })

  const key = fc.string({ minLength: 1, maxLength: 6 })
  const leaf = fc.oneof(fc.string({ maxLength: 12 }), fc.integer(), fc.boolean())
  const { table } = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(leaf, { maxLength: 3 }),
      tie('table'),
      fc.array(tie('table'), { minLength: 1, maxLength: 2 }),
    ),
    table: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }))

  it('finds every key of any document, where the text then has that key', () => {
    fc.assert(
      fc.property(table, document => {
        const written = stringify(document)
        const lines = written.split('\n')
        const positions = keyPositions(written)
        for (const path of pathsOf(parse(written))) {
          const found = positions.get(pathKey(path))
          expect(found, `${pathKey(path)} in\n${written}`).not.to.equal(undefined)
          const name = path.at(-1)
          if (typeof name !== 'string' || found === undefined) continue
          const rest = lines[found.line - 1]?.slice(found.column - 1) ?? ''
          const plain = /^[\w-]+$/.test(name)
          if (plain) expect(rest.startsWith(name) || rest.startsWith(`"${name}"`), `${name} at ${rest}`).to.equal(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), any => void keyPositions(any)))
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('[', ']', '{', '}', '"', "'", '=', '.', ',', '\n', ' ', 'a', '#', '\\'), {
          maxLength: 60,
        }),
        parts => void keyPositions(parts.join('')),
      ),
      { numRuns: 2000 },
    )
  })
})

function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const below = Array.isArray(value)
    ? value.flatMap((each, index) => (isTable(each) ? pathsOf(each, [...path, index]) : []))
    : isTable(value)
      ? Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))
      : []
  return typeof path.at(-1) === 'string' ? [path, ...below] : below
}
