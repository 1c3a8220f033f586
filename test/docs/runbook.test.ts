import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { root } from '../support/files.ts'
import { blocksOf, readPage } from './support/page.ts'
import { matches, shapeOf } from './support/shape.ts'
import { freePort, PersonShell } from './support/shell.ts'

/** Shell code that brings about what the page says has happened; it is read where the remark stands. */
const happens: Readonly<Record<string, string>> = {
  'situation: a healthy appliance': '',
  'situation: somebody has sealed it': `
    warder seal >/dev/null
    while warder status >/dev/null; do sleep 0.1; done`,
  'situation: the token is gone': `
    mv $hsm/tokens $hsm/away; mkdir -m 700 $hsm/tokens
    systemctl stop warder-hsm
    CREDENTIALS_DIRECTORY=$etc/credentials warder-hsm serve >$HOME/warder-hsm.log 2>&1 &
    unit_pid[warder-hsm]=$!
    until { warder status || true; } | grep -q 'no such token'; do sleep 0.1; done`,
  'meanwhile: the token is back': 'rmdir $hsm/tokens; mv $hsm/away $hsm/tokens',
  'situation: the file has another PIN': `
    cp $etc/credentials/hsm-pin $safe/pin
    echo 0000 >$etc/credentials/hsm-pin
    systemctl restart warder-hsm`,
  'meanwhile: the right PIN is in the file': 'cp $safe/pin $etc/credentials/hsm-pin',
  'situation: the disk is full': `
    head -c 100m /dev/zero >$data/filler 2>/dev/null || true
    echo paper >$safe/paper
    until { warder status || true; } | grep -q no-space; do
      warder sign $safe/paper --key release >/dev/null 2>&1 || true
    done`,
  'meanwhile: there is room': 'rm $data/filler',
  'situation: a record of the journal was changed': `
    warder sign $safe/paper --key release >/dev/null
    systemctl stop warder
    sed -i 's/"key:sign"/"key:sigh"/' $data/journal/*.log
    if systemctl start warder; then false; fi
    grep -q journal-corrupt $HOME/warder.log
    unset 'unit_pid[warder]'`,
  'situation: storage was put back to yesterday': `
    systemctl stop warder
    mkdir $safe/yesterday $safe/newest
    cp $data/store.sqlite* $safe/yesterday/
    systemctl start warder
    until warder status >/dev/null; do sleep 0.1; done
    warder key disable release >/dev/null
    warder key enable release >/dev/null
    systemctl stop warder
    ls -l $data
    mv $data/store.sqlite* $safe/newest/
    cp $safe/yesterday/* $data/
    systemctl start warder
    until warder status >/dev/null; do sleep 0.1; done
    said=$(warder key show release 2>&1 || true)
    echo "$said"
    grep -q record-rolled-back <<<"$said"`,
  'meanwhile: the newest copy of the storage is back': 'rm $data/store.sqlite*; cp $safe/newest/* $data/',
  'situation: somebody has the key of shop': `
    warder apikey create --identity shop --spaces default --permissions use,read --out $safe/stolen.key >/dev/null 2>&1
    stolen=$(sed 's/^wrd_\\([0-9a-z]*\\)_.*/\\1/' $safe/stolen.key)
    warder sign $safe/paper --key release --token-file $safe/stolen.key >/dev/null`,
  "situation: no administrator's key is left": 'mv $safe/admin.key $safe/lost.key',
  'situation: the certificate has expired': `
    certify 20240101000000Z 20240401000000Z
    systemctl restart warder`,
  'situation: the host is lost': `
    warder backup --out $safe/appliance.wb
    systemctl stop warder; systemctl stop warder-hsm
    rm -rf $data/* $hsm/* $etc/credentials $etc/tls $HOME/lib-ca
    mkdir -m 700 $hsm/tokens`,
}

/** What is about systemd itself, or for eyes only. `systemctl start`, `stop` and `restart` are run, by what stands for it. */
const isLeftOut = (line: string): boolean => /^(?:journalctl|systemctl (?!(?:start|stop|restart) ))/.test(line)

const blocks = blocksOf(await readPage('docs/runbook.md')).filter(({ language }) => language === 'sh')

describe('docs/runbook.md', function () {
  this.timeout(240_000)
  let shell: PersonShell
  let port: string
  before(async () => {
    shell = await PersonShell.make({ installed: true })
    port = `${await freePort()}`
    await install(shell.home, port)
  })
  after(() => shell[Symbol.asyncDispose]())

  const here = (text: string): string =>
    text
      .replaceAll('8443', port)
      .replaceAll('0123456789abcdef', '$stolen')
      .replaceAll(/\/(?:etc\/warder|var\/lib\/warder|run\/warder-hsm|root)\b/g, path => shell.home + placeOf(path))
  const asOnThePage = (text: string): string =>
    text
      .replaceAll(port, '8443')
      .replaceAll(shell.home, '')
      .replaceAll(/(?<![\w/])\/(?:etc|lib|run)\b/g, place => pathOf(place))

  it('has commands that do in each situation what it says', async () => {
    const set = await readFile(join(root, 'test/docs/support/installed.sh'), 'utf8')
    const parts = blocks.flatMap(({ remark = '', text }) => {
      const lines = here(text)
        .split('\n')
        .filter(line => !isLeftOut(line))
      return [happens[remark] ?? '', lines.join('\n')]
    })
    const unknown = blocks.flatMap(({ remark }) => (remark === undefined || remark in happens ? [] : [remark]))
    expect(unknown).to.deep.equal([])
    const { code, blocks: all } = await shell.run(parts, {
      before: `export WARDER_ADDR=https://localhost:${port}\n${set}`,
      withinMs: 220_000,
    })
    const printed = all.filter((_, at) => at % 2 === 1).map(asOnThePage)
    for (const [at, text] of printed.entries()) {
      const { line = 0, output = '' } = blocks[at] ?? {}
      if (!matches(output, text)) expect(shapeOf(text), `line ${line}`).to.deep.equal(shapeOf(output))
    }
    const last = blocks[Math.floor((all.length - 1) / 2)]
    expect(code, `it ended at line ${last?.line}: ${all.slice(-2).join('')}`).to.equal(0)
    expect(printed).to.have.length(blocks.length)
  })
})

const places: readonly (readonly [string, string])[] = [
  ['/etc/warder', '/etc'],
  ['/var/lib/warder', '/lib'],
  ['/run/warder-hsm', '/run'],
]
const placeOf = (path: string): string => places.find(([there]) => there === path)?.[1] ?? path
const pathOf = (place: string): string => places.find(([, here]) => here === place)?.[0] ?? place

/** The package's own configuration, for one user and below one directory. */
async function install(home: string, port: string): Promise<void> {
  await mkdir(join(home, 'etc'))
  for (const name of ['warder.toml', 'softhsm2.conf']) {
    const text = await readFile(join(root, 'packaging', name), 'utf8')
    const changed = text
      .replaceAll(/^(?:user|socketGroup) = .*\n/gm, '')
      .replace('host = "::"', 'host = "127.0.0.1"')
      .replace('port = 8443', `port = ${port}`)
      .replace('# backupRecipient', 'backupRecipient')
      .replaceAll(/\/(?:etc\/warder|var\/lib\/warder|run\/warder-hsm)\b/g, path => home + placeOf(path))
    await writeFile(join(home, 'etc', name), changed)
  }
}
