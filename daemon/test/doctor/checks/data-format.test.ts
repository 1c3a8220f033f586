import { expect } from 'chai'
import { judgeDataFormat } from '../../../src/doctor/checks/data-format.ts'
import { dataFormat, readDataFormat } from '../../../src/serve/data-format.ts'
import { configDirectory } from '../../config/support.ts'

describe('doctor: the data format', () => {
  it('is one that this version reads, a newer one, none, or damaged', async () => {
    const dir = await configDirectory()
    try {
      const status = async () => judgeDataFormat(await readDataFormat(dir.path), dir.path).status
      expect(await status()).to.equal('note')
      await dir.write('format.json', JSON.stringify({ format: dataFormat }))
      expect(await status()).to.equal('ok')
      await dir.write('format.json', JSON.stringify({ format: dataFormat + 1 }))
      expect(await status()).to.equal('problem')
      await dir.write('format.json', '{')
      expect(await status()).to.equal('problem')
    } finally {
      await dir[Symbol.asyncDispose]()
    }
  })
})
