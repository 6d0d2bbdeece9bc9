import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const folder = new URL('../../ts/', import.meta.url) // of what is built
const bytes = (name: string) => readFileSync(new URL(`../../../ts/generated/${name}.wasm`, import.meta.url))

interface Described {
  module?: string
  name: string
  kind: string
}
const { Module } = (
  globalThis as unknown as {
    WebAssembly: {
      Module: {
        new (bytes: Uint8Array): object
        exports(module: object): Described[]
        imports(module: object): Described[]
      }
    }
  }
).WebAssembly

/** Runs code in a process of its own, whose first engine has this entry's wasm; gives what it printed. */
function inProcess(entry: string, code: string): unknown {
  const source = `import * as rnn from ${JSON.stringify(new URL(`entry/${entry}.js`, folder).href)}\n${code}`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', source]).toString())
}

test("the exports and imports of the wasm for inference are a part of the whole one's", () => {
  const [all, infer] = ['layer_rnn', 'layer_rnn_infer'].map(name => {
    const module = new Module(bytes(name))
    return {
      exports: Module.exports(module).map(({ name, kind }) => `${kind} ${name}`),
      imports: Module.imports(module).map(({ module, name, kind }) => `${kind} ${module} ${name}`),
    }
  })
  for (const each of infer!.exports) assert.ok(all!.exports.includes(each), each)
  for (const each of infer!.imports) assert.ok(all!.imports.includes(each), each)
  assert.ok(all!.exports.includes('function builder_gradient'))
  assert.not.ok(infer!.exports.includes('function builder_gradient'))
})

const model = `
  const { Sequential, Input, GRU, LSTM, Dense } = rnn
  const values = shape => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 101) / 101 - 0.5)
  const model = new Sequential([
    Input({ shape: [null, 3] }), new LSTM({ units: 5, returnSequences: true }), new GRU({ units: 4 }), new Dense({ units: 2, activation: 'softmax' })
  ])`

test('a model whose weights are given has the same bits in both', () => {
  const code = `${model}
    model.setWeights(model.weights.map(({ shape }) => rnn.tensor(values(shape), shape)))
    console.log(JSON.stringify([...new Uint32Array(model.predict(rnn.tensor(values([2, 7, 3]), [2, 7, 3])).data.buffer)]))`
  assert.equal(inProcess('infer', code), inProcess('index', code))
})

test('a row of a stream goes on in the other one', () => {
  const code = `${model}
    model.setWeights(model.weights.map(({ shape }) => rnn.tensor(values(shape), shape)))
    const stream = model.stream()
    const step = () => [...stream.step(values([3]))]`
  const begun = (entry: string) =>
    inProcess(entry, `${code}; step(); console.log(JSON.stringify([[...stream.saveRow(0)], step()]))`) as [number[], number[]] // biome-ignore format: one line
  const gone = (entry: string, bytes: number[]) =>
    inProcess(entry, `${code}; stream.loadRow(0, Uint8Array.of(${bytes})); console.log(JSON.stringify(step()))`) // biome-ignore format: one line
  const [bytes, next] = begun('index')
  assert.equal(begun('infer'), [bytes, next])
  assert.equal(gone('infer', bytes), next)
  assert.equal(gone('index', bytes), next)
})

test('first values of weights are refused with the way out', () => {
  const code = `${model}
    try { model.predict(rnn.tensor(values([2, 7, 3]), [2, 7, 3])) } catch (error) { console.log(JSON.stringify([error.name, error.message])) }`
  const [name, message] = inProcess('infer', code) as [string, string]
  assert.is(name, 'UnsupportedError')
  assert.match(message, /no imported entry draws first values of weights: import layer-rnn/)
})

test('layer-rnn beside it brings the whole wasm', () => {
  const index = JSON.stringify(new URL('entry/index.js', folder).href)
  const code = `await import(${index}); const model = new rnn.Sequential([new rnn.GRU({ units: 4, inputShape: [null, 3] })])
    console.log(JSON.stringify(model.predict(new Float32Array(3)).shape))`
  assert.equal(inProcess('infer', code), [1, 4])
})

test('programs are not printed there', () => {
  const code = `${model}
    try { model.program() } catch (error) { console.log(JSON.stringify([error.name, error.message])) }`
  const [name, message] = inProcess('infer', code) as [string, string]
  assert.is(name, 'UnsupportedError')
  assert.match(message, /no imported entry prints programs: import layer-rnn/)
})

test('its names are those of layer-rnn, and the same things', async () => {
  const { infer, index } = {
    infer: await import('../../ts/entry/models.js'),
    index: await import('../../ts/entry/api.js'),
  }
  for (const [name, value] of Object.entries(infer)) assert.is(index[name as keyof typeof index], value, name)
  for (const name of ['ops', 'initializers', 'deserialize', 'layerGru'])
    assert.ok(name in index && !(name in infer))
})

const refused: Record<string, [call: string, message: RegExp]> = {
  summary: ['model.summary()', /prints summaries/],
  'the config of a graph': [
    'new rnn.Model({ inputs: model.inputs, outputs: model.outputs }).getConfig()',
    /writes configs of graphs/,
  ],
  'a graph of a config': [
    'rnn.Model.fromConfig({ layers: [] })',
    /reads configs of models: import deserialize from layer-rnn/,
  ],
  dropout: [
    'new rnn.Dropout({ rate: 0.5 }).apply(rnn.tensor([1, 2]), { training: true })',
    /draws random numbers/,
  ],
}
for (const [what, [call, message]] of Object.entries(refused)) {
  test(`${what} is refused there`, () => {
    const code = `${model}
      try { ${call} } catch (error) { console.log(JSON.stringify([error.name, error.message])) }`
    const [name, text] = inProcess('infer', code) as [string, string]
    assert.is(name, 'UnsupportedError')
    assert.match(text, message)
    assert.match(text, /no imported entry .*: import .*layer-rnn/)
  })
}

test('gradients are refused there, and the engine goes on', () => {
  const code = `const ops = await import(${JSON.stringify(new URL('ops/index.js', folder).href)})
    const x = rnn.tensor([1, 2])
    const errors = []
    for (const grad of [ops.grad, ops.valueAndGrad]) try { grad(x => ops.sum(x))(x) } catch (error) { errors.push([error.name, error.message]) }
    console.log(JSON.stringify([errors, rnn.currentEngine().stats().programs, ops.add(x, x).array()]))`
  const [errors, programs, sum] = inProcess('infer', code) as [string[][], number, number[]]
  for (const [name, message] of errors) {
    assert.is(name, 'UnsupportedError')
    assert.match(message!, /layer-rnn\/infer computes no gradients; import layer-rnn/)
  }
  assert.equal([errors.length, programs, sum], [2, 0, [2, 4]])
})

test('once layer-rnn is imported, engines that are made then are whole', () => {
  const more = `await import(${JSON.stringify(new URL('entry/index.js', folder).href)})`
  const draws = 'rnn.createEngine().use(() => new rnn.GRU({ units: 2 }).apply([[[1, 2]]]).shape)'
  const first = 'rnn.createEngine().dispose()'
  assert.equal(inProcess('infer', `${first}; ${more}; console.log(JSON.stringify(${draws}))`), [1, 2])
})

test.run()
