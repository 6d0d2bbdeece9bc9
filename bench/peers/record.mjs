import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, say } from '../../scripts/setup/run.mjs'
import { markdown } from './table.mjs'

const folder = join(root, 'bench/record')
const marks = ['<!-- speed: npm run bench -- --readme -->\n', '<!-- end of speed -->\n']

/** Keeps a run under bench/record, by its date and what it ran in. */
export function writeRecord(result) {
  const where = result.node
    ? `node-${result.node.split('.')[0]}`
    : result.engine.toLowerCase().replace(/[ /]/g, '-')
  const file = join(folder, `${result.date}-peers-${where}.json`)
  const { rows, own, gallery, ...about } = result
  const lists = Object.entries({ rows, own, gallery }).map(([name, list = []]) => {
    const lines = list.map(row => `    ${JSON.stringify(row)}`).join(',\n')
    return `,\n  "${name}": [\n${lines}\n  ]`
  })
  writeFileSync(file, `${JSON.stringify(about, null, 2).slice(0, -2)}${lists.join('')}\n}\n`)
  say(`recorded in ${file}`)
}

/** Puts the table of the newest record of Node into README.md. */
export function writeReadme() {
  const newest = readdirSync(folder)
    .filter(name => /-peers-node-\d+\.json$/.test(name))
    .sort()
    .at(-1)
  if (!newest) throw new Failure('there is no record yet; npm run bench -- --record makes one')
  const path = join(root, 'README.md')
  const text = readFileSync(path, 'utf8')
  const [start, end] = marks.map(mark => text.indexOf(mark))
  if (start < 0 || end < start) throw new Failure('README.md has no place for the table of speed')
  const table = markdown(JSON.parse(readFileSync(join(folder, newest), 'utf8')))
  writeFileSync(path, `${text.slice(0, start + marks[0].length)}\n${table}\n\n${text.slice(end)}`)
  say(`README.md has the numbers of ${newest}`)
}
