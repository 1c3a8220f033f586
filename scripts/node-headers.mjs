// Prints the directory whose include/node holds the C++ headers of this very Node (what node-gyp calls nodedir), or
// nothing. Headers of another Node may lie in /usr: NODE_MODULE_VERSION tells whether they fit.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

function fits(place) {
  try {
    const header = readFileSync(resolve(place, 'include/node/node_version.h'), 'utf8')
    return new RegExp(`#define NODE_MODULE_VERSION ${process.versions.modules}\\b`).test(header)
  } catch {
    return false
  }
}

const places = [process.env.npm_config_nodedir, resolve(process.execPath, '../..'), '/usr', '/usr/local']
process.stdout.write(places.find(place => place && fits(place)) ?? '')
