import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readNpy, writeNpy } from '../../ts/cli/npy.js'
import { Progress } from '../../ts/cli/progress.js'
import { loadModelSync } from '../../ts/entry/keras.js'
import { NdArray } from '../../ts/tensor/ndarray.js'
import { reconfigured } from '../formats/files.js'
import { done, failed, models, program, withFolder } from './command.js'

const digits = 'examples/spoken-digits/model/digits.keras'
const seq2seq = `${models}/seq2seq_keras3.keras`

/** `[samples, steps, 32]`, and what the model answers in this process. */
function samples(count: number, steps: number) {
  const data = Float32Array.from({ length: count * steps * 32 }, (_, i) =>
    Math.fround(((i * 37) % 101) / 50 - 1),
  )
  const inputs = new NdArray(data, [count, steps, 32])
  const model = loadModelSync(readFileSync(digits))
  const outputs = model.predict(inputs)
  model.dispose()
  return { inputs, outputs }
}

test('help, version, and what is not understood', () => {
  const help = done(['--help']).text
  for (const name of ['summary', 'run', 'bench']) {
    assert.match(help, name)
    for (const args of [
      [name, '--help'],
      ['help', name],
    ])
      assert.match(done(args).text, new RegExp(`^layer-rnn ${name} MODEL`))
  }
  assert.is(done(['--version']).text.trim(), JSON.parse(readFileSync('package.json', 'utf8')).version)
  const wrong: [RegExp, ...string[]][] = [
    [/no command/],
    [/did you mean "run"/, 'rnu'],
    [/no option --all/, '--all'],
    [/takes one model/, 'summary'],
    [/takes one model/, 'summary', 'a', 'b'],
    [/'--inptu' \(did you mean "--input"\?\)/, 'run', digits, '--inptu', 'x.npy'],
    [/needs --input/, 'run', digits],
    [/--batch is a whole number/, 'run', digits, '--input', 'x.npy', '--batch', '0'],
    [/--batch is a whole number/, 'run', digits, '--input', 'x.npy', '--batch', '1.5'],
    [/--seconds is a number/, 'bench', digits, '--seconds', 'x'],
    [/--seconds needs a value; .* --seconds=VALUE/, 'bench', digits, '--seconds', '-1'],
    [/say its format with --from/, 'run', digits, '--input', '-'],
    [/say its format with --to/, 'run', digits, '--input', 'x.npy', '--output', 'y.bin'],
    [/--from is one of/, 'run', digits, '--input', 'x', '--from', 'wav'],
    [/only one/, 'run', '-', '--input', '-', '--from', 'csv'],
  ]
  for (const [words, ...args] of wrong) failed(2, words, args)
})

test('failures name the file', () =>
  withFolder(path => {
    failed(1, /nothing\.keras: no such file/, ['summary', path('nothing.keras')])
    writeFileSync(path('text.keras'), 'hello')
    failed(1, /text\.keras: this is neither a \.keras archive nor an HDF5 file/, [
      'summary',
      path('text.keras'),
    ])
    failed(1, /this is a folder, as a SavedModel is; .*model\.save/, ['summary', path('.')])
    failed(1, /no such file/, ['run', digits, '--input', path('x.npy')])
    writeFileSync(path('x.npy'), 'hello')
    failed(1, /x\.npy: this is no \.npy file/, ['run', digits, '--input', path('x.npy')])
    writeFileSync(path('x.csv'), '1,2\n3,x\n')
    failed(1, /x\.csv: line 2, column 2: "x" is no number/, ['run', digits, '--input', path('x.csv')])
    writeFileSync(path('x.csv'), '1,x\n')
    failed(1, /x\.csv: line 1, column 2/, ['run', digits, '--input', path('x.csv'), '--stream'])
    writeFileSync(path('x.csv'), '1,2\n3\n')
    failed(1, /line 2 has 1 columns/, ['run', digits, '--input', path('x.csv')])
    failed(
      1,
      /standard input: .*\[null, null, 32\]/,
      ['run', digits, '--input', '-', '--from', 'csv'],
      '1,2\n',
    )
    failed(1, /standard input: no numbers/, ['run', digits, '--input', '-', '--from', 'csv'])
    failed(1, /standard input: no numbers/, ['run', digits, '--input', '-', '--from', 'csv', '--stream'])
    failed(2, /--batch can only be 1/, [
      ...['run', digits, '--input', '-', '--from', 'csv', '--stream', '--batch', '2'],
    ])
    failed(1, /standard input: .*JSON/, ['run', digits, '--input', '-', '--from', 'json'], '[1,')
    failed(
      1,
      /needs the input "follow"/,
      ['run', seq2seq, '--input', '-', '--from', 'json'],
      '{"ids": [[1]]}',
    )
    failed(
      1,
      /only JSON holds several/,
      ['run', seq2seq, '--input', '-', '--from', 'json', '--to', 'csv'],
      JSON.stringify(pair),
    )
    writeFileSync(path('good.npy'), writeNpy(samples(1, 2).inputs))
    const folder = path('missing/y.npy')
    failed(1, /missing\/y\.npy: no such file/, [
      'run',
      digits,
      '--input',
      path('good.npy'),
      '--output',
      folder,
    ])
  }))

const pair = {
  ids: [[3, 1, 0]],
  follow: [
    [
      [1, 2, 3],
      [0.5, 0, -1],
    ],
  ],
}

test('summary', () => {
  const { text } = done(['summary', seq2seq])
  assert.match(text, /decoder \(LSTM\)/)
  assert.match(text, 'Input  follow: float32 […, …, 3]')
  assert.match(text, 'Output answer: float32 […, …, 3]')
})

test('every format gives the numbers of predict', () =>
  withFolder(path => {
    const { inputs, outputs } = samples(5, 3)
    writeFileSync(path('x.npy'), writeNpy(inputs))
    writeFileSync(path('x.json'), JSON.stringify(inputs))
    for (const input of ['x.npy', 'x.json']) {
      done(['run', digits, '--input', path(input), '--output', path('y.npy'), '--batch', '2'])
      assert.equal(readNpy(readFileSync(path('y.npy'))), outputs)
      const json = done(['run', digits, '--input', path(input)]).text
      assert.equal(Float32Array.from(JSON.parse(json).flat()), outputs.data)
      const csv = done(['run', digits, '--input', path(input), '--to', 'csv'])
        .text.trim()
        .split('\n')
      assert.equal(Float32Array.from(csv.flatMap(line => line.split(',').map(Number))), outputs.data)
    }
    const piped = done(['run', digits, '--input', '-', '--from', 'npy', '--to', 'npy'], writeNpy(inputs))
    assert.equal(readNpy(piped.stdout), outputs)
  }))

test('--stream gives the output after every step, the last one with the bits of the whole', () =>
  withFolder(path => {
    const { inputs, outputs } = samples(5, 3)
    writeFileSync(path('x.npy'), writeNpy(inputs))
    done(['run', digits, '--input', path('x.npy'), '--output', path('y.npy'), '--stream', '--batch', '2'])
    const steps = readNpy(readFileSync(path('y.npy')))
    assert.equal(steps.shape, [5, 3, 10])
    for (let row = 0; row < 5; row++) {
      const last = steps.data.subarray((row * 3 + 2) * 10, (row * 3 + 3) * 10)
      assert.equal(last, outputs.data.subarray(row * 10, (row + 1) * 10))
    }
  }))

test('a CSV file is one sequence, with or without a heading; streamed, all formats agree', () => {
  const { inputs, outputs } = samples(1, 4)
  const lines = inputs.array() as number[][][]
  const csv = lines[0]!.map(row => row.join(',')).join('\n')
  const heading = lines[0]![0]!.map((_, i) => `"band ${i}"`).join(',')
  const first = ['run', digits, '--input', '-', '--from', 'csv']
  for (const text of [csv, `${csv}\n`, `${heading}\r\n${csv.replaceAll('\n', '\r\n')}`, `\uFEFF${csv}`]) {
    const answer = done(first, text).text.trim().split(',').map(Number)
    assert.equal(Float32Array.from(answer), outputs.data)
  }
  const streamed = done([...first, '--stream'], csv)
    .text.trim()
    .split('\n')
  assert.is(streamed.length, 4)
  assert.equal(Float32Array.from(streamed[3]!.split(',').map(Number)), outputs.data)
  const json = JSON.parse(done([...first, '--stream', '--to', 'json'], `${heading}\n${csv}`).text)
  assert.equal(
    json[0].map((row: number[]) => row.join(',')),
    streamed,
  )
  assert.equal(readNpy(done([...first, '--stream', '--to', 'npy'], csv).stdout).shape, [1, 4, 10])
})

test('a line is answered before the next one is written', async () => {
  const child = spawn(process.execPath, [program, 'run', digits, '--input', '-', '--from', 'csv', '--stream'])
  const answers = createInterface({ input: child.stdout })
  for (let step = 0; step < 3; step++) {
    child.stdin.write(`${Array(32).fill(step).join(',')}\n`)
    const [line] = await once(answers, 'line')
    assert.is(line.split(',').length, 10)
  }
  child.stdin.end()
  assert.is((await once(child, 'close'))[0], 0)
})

test('a reader that goes away ends the command quietly', async () => {
  const child = spawn(process.execPath, [program, 'run', digits, '--input', '-', '--from', 'csv', '--stream'])
  let stderr = ''
  child.stderr.on('data', data => (stderr += data))
  child.stdin.on('error', () => {})
  child.stdout.destroy()
  child.stdin.write(`${Array(32).fill(1).join(',')}\n`.repeat(2000))
  child.stdin.end()
  await once(child, 'close')
  assert.is(stderr, '')
})

test('several inputs and outputs are JSON by name', () => {
  const { text } = done(['run', seq2seq, '--input', '-', '--from', 'json'], JSON.stringify(pair))
  const model = loadModelSync<never[]>(readFileSync(seq2seq))
  const outputs = model.predict(pair) as NdArray[]
  model.dispose()
  const answer = JSON.parse(text)
  assert.equal(Object.keys(answer), ['answer', 'decoder'])
  for (const [i, name] of ['answer', 'decoder'].entries()) {
    assert.equal(Float32Array.from(answer[name].flat(2)), outputs[i]!.data)
  }
})

test('a table of ids has a sample a line', () => {
  const name = `${models}/embedding_keras3.keras`
  const model = loadModelSync(readFileSync(name))
  const ids = [
    [3, 1, 7],
    [4, 0, 0],
  ]
  const expected = model.predict(ids)
  model.dispose()
  const { text } = done(['run', name, '--input', '-', '--from', 'csv'], ids.join('\n'))
  assert.equal(Float32Array.from(text.trim().split(/[\n,]/).map(Number)), expected.data)
})

test('bench', () => {
  const report = JSON.parse(done(['bench', digits, '--seconds', '0.05', '--json', '--steps', '7']).text)
  assert.is(report.steps, 7)
  for (const times of [report.step, report.sequence]) {
    assert.ok(times.first > 0 && times.p50 > 0 && times.count > 0)
    assert.ok(times.p50 <= times.p90 && times.p90 <= times.p99 && times.p99 <= times.max)
  }
  assert.ok(report.memory.inUse > 4 * report.parameters)
  assert.ok(report.memory.webAssembly >= report.memory.inUse)
  const text = done(['bench', `${models}/embedding_keras3.keras`, '--seconds', '0.05']).text
  assert.match(text, /one step +– .*goBackwards/)
  assert.match(text, /100 steps/)
  assert.match(done(['bench', seq2seq, '--seconds', '0.05']).text, /100 steps/)
})

test('ids that a file calls float32 are in the range of the Embedding that reads them', () =>
  withFolder(path => {
    const bytes = reconfigured('embedding_keras3', config => {
      config.config.layers[0].config.dtype = 'float32'
    })
    writeFileSync(path('ids.keras'), bytes)
    assert.match(done(['bench', path('ids.keras'), '--seconds', '0.05']).text, /100 steps/)
  }))

test('a fixed batch is kept', () =>
  withFolder(path => {
    const bytes = reconfigured('masking_keras3', config => {
      config.config.layers[0].config.batch_shape[0] = 2
    })
    writeFileSync(path('fixed.keras'), bytes)
    writeFileSync(path('x.npy'), writeNpy(new NdArray(new Float32Array(4 * 5 * 3).fill(0.5), [4, 5, 3])))
    for (const options of [[], ['--stream']]) {
      const { text } = done(['run', path('fixed.keras'), '--input', path('x.npy'), ...options])
      assert.is(JSON.parse(text).length, 4)
    }
    const report = JSON.parse(done(['bench', path('fixed.keras'), '--seconds', '0.05', '--json']).text)
    assert.is(report.batch, 2)
  }))

test('a bar on a terminal only', () => {
  const { isTTY, write } = process.stderr
  const seen: string[] = []
  const clock = performance.now
  let now = 0
  try {
    performance.now = () => now
    process.stderr.write = (text: unknown) => seen.push(String(text)) > 0
    for (process.stderr.isTTY of [false, true]) {
      const progress = new Progress('samples', 4)
      for (let i = 1; i <= 4; i++) {
        now += 300
        progress.at(i)
      }
      progress.end()
      if (!process.stderr.isTTY) assert.equal(seen, [])
    }
  } finally {
    performance.now = clock
    Object.assign(process.stderr, { isTTY, write })
  }
  assert.match(seen[0]!, /samples ━+┄+ 50 % {2}1 s left/)
  assert.is(seen.at(-1), '\r\x1b[K')
})

test.run()
