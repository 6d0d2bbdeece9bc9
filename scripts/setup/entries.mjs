/** The entries that carry the wasm, by their files in ts/entry; package.json's exports follow from them. */
export const entries = ['index', 'infer', 'keras', 'ops', 'worklet']

const types = name => `./dist/types/entry/${name}`

function conditions(name, variants) {
  const file = { types: `${types(name)}.d.ts`, default: `./dist/${variants.esm}.js` }
  const hosts = Object.fromEntries(
    variants.hosts.map(host => [host, { ...file, default: `./dist/${host}/${name}.js` }]),
  )
  return {
    ...hosts, // these compile no bytes: they import the file
    bun: file, // with `module-sync`, `require` gives what `import` gives
    'module-sync': file,
    import: file,
    require: { types: `${types(name)}.d.cts`, default: `./dist/cjs/${variants.esm}.cjs` },
    default: file.default,
  }
}

/** Hosts that allow no bytes to be compiled and import the wasm as a module, each in its way. */
export const hosts = { workerd: './layer_rnn.wasm', 'edge-light': './layer_rnn.wasm?module' }

/** What each host imports for each of the two wasm files. */
export const hostFiles = Object.fromEntries(
  Object.entries(hosts).flatMap(([host, file]) => [
    [host, file],
    [`${host}_infer`, file.replace('layer_rnn', 'layer_rnn_infer')],
  ]),
)

const subpath = name => (name === 'index' ? '' : `/${name}`)

/** What package.json's `exports` must be. */
export function exportsField() {
  const full = entries.map(name => [
    `.${subpath(name)}`,
    conditions(name, { esm: name, hosts: Object.keys(hosts) }),
  ])
  const slim = entries.map(name => [
    `./slim${subpath(name)}`,
    conditions(name, { esm: `slim/${name}`, hosts: [] }),
  ])
  return {
    ...Object.fromEntries([...full, ...slim]),
    './global': { types: `${types('global')}.d.ts`, default: './dist/global.js' },
    ...Object.fromEntries(
      ['layer_rnn.wasm', 'layer_rnn_infer.wasm'].map(name => [
        `./${name}`,
        { types: './dist/layer_rnn.wasm.d.ts', default: `./dist/${name}` },
      ]),
    ),
    './package.json': './package.json',
  }
}

/** What package.json's `sideEffects` must be: files that give the wasm, what installs parts, the command and the global. */
export const sideEffects = () => [
  ...['', 'cjs/'].flatMap(folder => entries.map(name => `./dist/${folder}${name}.${folder ? 'cjs' : 'js'}`)),
  './dist/cli.js',
  './dist/global.js',
  ...['inline', 'inline_infer', 'whole', 'programs'].flatMap(name => [
    `./dist/shared/${name}.js`,
    `./dist/cjs/shared/${name}.cjs`,
  ]),
  ...Object.keys(hosts).flatMap(host => [`./dist/shared/${host}.js`, `./dist/${host}/*.js`]),
]
