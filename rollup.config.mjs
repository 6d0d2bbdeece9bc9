import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { rollup } from 'rollup'
import { entries, hostFiles, hosts } from './scripts/setup/entries.mjs'

const { dependencies = {} } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)))
const folder = fileURLToPath(new URL('build/ts/entry/', import.meta.url))
const enums = await import('./build/ts/generated/enums.js')

/**
 * Marks what classes and constants start with as free of effects, in the form that all bundlers understand: without it they keep a
 * class that nobody uses for the sake of its static fields. Nothing in these has an effect, and entries say what does.
 */
const pure = {
  name: 'pure',
  transform(code, id) {
    if (!/\/build\/ts\/(?!generated\/)/.test(id)) return undefined
    const marks = this.parse(code).body.flatMap(marksOf)
    return marks
      .sort(([a], [b]) => b - a)
      .reduce((text, [at, mark]) => text.slice(0, at) + mark + text.slice(at), code)
  },
}

/** What is put into a statement of a module: marks before its calls, or around a value where these do not say enough. */
function marksOf(statement) {
  const { type, declarations, body } = statement.declaration ?? statement
  const fields =
    type === 'ClassDeclaration'
      ? body.body.filter(({ type, static: ofClass }) => ofClass && type === 'PropertyDefinition')
      : []
  const values =
    type === 'VariableDeclaration' ? declarations.map(({ init }) => init) : fields.map(({ value }) => value)
  return values.flatMap(value => {
    const inside = [...effects(value)]
    const simple = inside.every(({ callee }) => callee && [...effects(callee.object)].length === 0)
    if (simple) return inside.map(({ start }) => [start, mark])
    return [
      [value.start, `${mark}(() => (`],
      [value.end, '))()'],
    ]
  })
}

const mark = '/* @__PURE__ */ '

/** The calls of an expression, what it spreads and the properties that it reads, but not those of the functions in it. */
function* effects(node) {
  if (!node || typeof node !== 'object' || /Function|Class/.test(node.type)) return
  if (/^(CallExpression|NewExpression|SpreadElement|MemberExpression)$/.test(node.type)) yield node
  for (const child of Object.values(node)) yield* effects(child === node.callee ? child.object : child)
}

/** Writes the numbers of enums where code reads them by name: bundlers keep an object with all of its names for one of them. */
const numbers = {
  name: 'numbers',
  transform(code) {
    const names = /^import \{ (.*) \} from '\.[./]*\/generated\/enums\.js';$/m.exec(code)?.[1].split(', ')
    const read = names && new RegExp(`\\b(${names.join('|')})\\.([A-Z]\\w*)`, 'g')
    return read && code.replace(read, (text, name, member) => enums[name][member] ?? this.error(`no ${text}`))
  },
}

/**
 * Entries in variants, which differ in where they have the wasm from: `keras.js?slim` is keras.js without its imports of inline.js and
 * whole.js (what it works with may be `layer-rnn/infer`), `keras.js?workerd` with an import of the file in place of inline.js.
 */
const variants = {
  name: 'variants',
  resolveId(source, importer) {
    if (Object.values(hostFiles).includes(source)) return { id: `.${source}`, external: true } // from shared/ or a host's folder
    if (source.startsWith('wasm:')) return `\0${source}`
    if (source.includes('?')) return join(folder, source)
    return importer?.includes('?') && source.startsWith('.') ? join(dirname(importer), source) : undefined
  },
  load(id) {
    if (id.startsWith('\0wasm:')) {
      const [provider, instance] = ['provider', 'instance'].map(name => join(folder, `../engine/${name}.js`))
      return `import wasm from '${hostFiles[id.slice(6)]}'\nimport { compile } from '${instance}'\nimport { setProvider } from '${provider}'\nsetProvider(() => compile(wasm), ${id.endsWith('_infer')})\n`
    }
    const [path, variant] = id.split('?')
    if (!variant || !path.startsWith(folder)) return undefined
    const text = readFileSync(path, 'utf8')
    const inline = /import '\.\/inline(_infer)?\.js';/
    if (!inline.test(text)) this.error(`${path} does not import inline.js`)
    if (variant === 'slim') return text.replace(inline, '').replace("import './whole.js';", '')
    return text.replace(inline, (_, infer = '') => `import 'wasm:${variant}${infer}';`)
  },
}

/**
 * What is used of fflate, as functions that evaluate it when they are first called: it makes tables when it is evaluated, which take
 * a tenth of the time to a first prediction, and files as Keras writes them are not packed.
 */
const late = {
  name: 'late',
  resolveId: source => (source === 'fflate' ? '\0fflate' : undefined),
  async load(id) {
    if (id !== '\0fflate') return undefined
    const names = ['inflateSync', 'unzlibSync']
    const entry = {
      resolveId: source => (source === id ? source : undefined),
      load: source => (source === id ? `export { ${names} } from 'fflate'` : undefined),
    }
    const bundle = await rollup({ input: id, plugins: [entry, nodeResolve()] })
    const { output } = await bundle.generate({ format: 'iife', name: 'fflate' })
    const calls = names.map(
      name => `export const ${name} = (...args) => (made ??= make()).${name}(...args)\n`,
    )
    return `let made\nfunction make() {\n${output[0].code}return fflate\n}\n${calls.join('')}`
  },
}

const named = (prefix, variant) => entries.map(name => [`${prefix}${name}`, `${name}.js?${variant}`])
const full = entries.map(name => [name, join(folder, `${name}.js`)])
const slim = named('slim/', 'slim')

const shared = {
  external: Object.keys(dependencies), // what is in devDependencies is bundled
  plugins: [variants, numbers, pure, late, nodeResolve({ ignoreSideEffectsForRoot: true })], // the field speaks of dist/, not of what it is made from
  onwarn(warning) {
    throw new Error(warning.message) // an import that is not found would reach users
  },
}

/** Node prints the line that an uncaught error comes from, all of it. Text of ASCII alone is read in one byte a character, not two. */
const lines = { ascii_only: true, max_line_len: 120 }

/**
 * Comments are in the declarations; without them, layout and names of variables JavaScript is read in less time (3 of 52 ms to a first
 * prediction). Functions and classes keep their names and are not put into one another, for those who read where an error came from. What
 * is done here is not left for a second pass of the page's minifier.
 */
const plain = terser({
  compress: { module: true, inline: 0, reduce_funcs: false, keep_classnames: true, keep_fnames: true },
  mangle: { toplevel: true, keep_classnames: true, keep_fnames: true },
  format: { ...lines, comments: false, preserve_annotations: true },
})

const files = extension => ({
  entryFileNames: `[name].${extension}`,
  chunkFileNames: `shared/[name].${extension}`,
  generatedCode: 'es2015',
  hoistTransitiveImports: false,
  manualChunks(id) {
    if (id.startsWith('\0wasm:')) return id.slice(6)
    const own = /\/(whole|programs)\.js$/.exec(id)
    if (own) return own[1]
    const bytes = /\/(?:bytes|inline)(_infer)?\.js$/.exec(id)
    if (bytes) return `inline${bytes[1] ?? ''}`
    if (id.endsWith('/layers/builtin.js')) return 'builtin'
    return /\/build\/ts\/(?!entry\/|formats\/|cli\/|audio\/)/.test(id) ? 'core' : undefined
  },
})

/**
 * tsc's JavaScript to dist/: one file per entry of package.json's exports over shared ones, so that classes are the same in all.
 * The bytes of the wasm with what hands them over are a file of their own: an entry without them is one import less.
 */
export default [
  {
    ...shared,
    input: Object.fromEntries([
      ...full,
      ...slim,
      ...Object.keys(hosts).flatMap(host => named(`${host}/`, host)),
      ['cli', join(folder, '../cli/main.js')],
    ]),
    output: { ...files('js'), dir: 'dist', format: 'es', plugins: [plain] },
  },
  {
    ...shared,
    input: Object.fromEntries([...full, ...slim]),
    output: { ...files('cjs'), dir: 'dist/cjs', format: 'cjs', plugins: [plain] },
  },
  {
    ...shared,
    input: join(folder, 'script.js'),
    output: {
      file: 'dist/global.js',
      format: 'iife',
      name: 'layerRnn',
      generatedCode: 'es2015',
      footer: 'globalThis.layerRnn = layerRnn;', // a worklet's addModule evaluates it as a module, whose names are its own
      plugins: [terser({ format: lines })],
    },
  },
]
