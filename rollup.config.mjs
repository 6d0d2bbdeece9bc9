import { readFileSync } from 'node:fs'
import { nodeResolve } from '@rollup/plugin-node-resolve'

const { dependencies = {} } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)))
const entry = name => `build/ts/entry/${name}.js`

/**
 * tsc's JavaScript to dist/: one file per entry of package.json's exports over shared ones, so that classes are the same in all.
 * The bytes of the wasm and what hands them over are files of their own: an entry without them is one import less.
 */
export default {
  input: { index: entry('index'), keras: entry('keras'), ops: entry('ops'), cli: 'build/ts/cli/main.js' },
  external: Object.keys(dependencies), // what is in devDependencies is bundled
  plugins: [nodeResolve({ ignoreSideEffectsForRoot: true })], // the field speaks of dist/, not of what it is made from
  onwarn(warning) {
    throw new Error(warning.message) // an import that is not found would reach users
  },
  output: {
    dir: 'dist',
    format: 'es',
    generatedCode: 'es2015',
    chunkFileNames: 'shared/[name].js',
    manualChunks(id) {
      if (id.endsWith('/generated/bytes.js')) return 'bytes'
      if (id.endsWith('/entry/inline.js')) return 'inline'
      return /\/build\/ts\/(?!entry\/|formats\/|cli\/)/.test(id) ? 'core' : undefined
    },
  },
}
