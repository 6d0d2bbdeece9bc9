import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from '../setup/run.mjs'
import { files } from '../setup/stamp.mjs'

const folder = '.cache/samples'
const config = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    rootDir: '.',
    outDir: '.',
    declaration: false,
    sourceMap: false,
    noUnusedLocals: false,
    skipLibCheck: true,
    typeRoots: ['../../node_modules/@types'],
    paths: {}, // the package finds itself through its exports, as its users find it
  },
  include: ['*.ts'],
}

/**
 * Runs, in the repository's folder, every sample of README.md and docs/ that imports the package; TypeScript is compiled first.
 * `<!-- not run: why -->` on the line above a sample leaves it out.
 */
export async function samples() {
  const found = files(['README.md', 'docs'], name => name.endsWith('.md')).flatMap(samplesOf)
  rmSync(join(root, folder), { recursive: true, force: true })
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, folder, 'tsconfig.json'), JSON.stringify(config))
  // samples stand for files in the repository's folder
  for (const { file, code } of found)
    writeFileSync(join(root, folder, file), code.replaceAll("from './", "from '../../"))
  if (found.some(({ file }) => file.endsWith('.ts')))
    await run('tsc', ['-p', folder], { stdio: ['ignore', 2, 2] })
  const complaints = []
  for (const { file, place } of found) {
    const program = file.replace(/\.ts$/, '.js')
    try {
      await run(process.execPath, [`${folder}/${program}`], { stdio: ['ignore', 'ignore', 2] })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      complaints.push(`${place}: the sample ${error.message}`)
    }
  }
  return { passed: found.length - complaints.length, complaints }
}

function samplesOf(path) {
  const text = readFileSync(join(root, path), 'utf8')
  const stem = path.replace(/\W+/g, '_')
  return [...text.matchAll(/^(.*)\n+```(ts|js)\n([\s\S]*?)^```/gm)]
    .filter(([, above, , code]) => /from 'layer-rnn/.test(code) && !above.startsWith('<!-- not run:'))
    .map(({ 2: kind, 3: code, index }) => {
      const line = text.slice(0, index).split('\n').length + 2
      return { file: `${stem}_${line}.${kind === 'ts' ? 'ts' : 'mjs'}`, place: `${path}:${line}`, code }
    })
}
