#!/usr/bin/env node
/** The command `layer-rnn`. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { LayerRnnError } from '../errors.js'
import { hint } from '../layers/names.js'
import { bench } from './bench.js'
import { Failure, UsageError } from './fail.js'
import { write } from './files.js'
import { run } from './run.js'
import { summary } from './summary.js'

type Given = Record<string, string | boolean | undefined>

interface Command {
  help: string
  options: Record<string, { type: 'string' | 'boolean' }>
  run(file: string, given: Given): Promise<void>
}

const commands: Record<string, Command> = {
  summary: {
    help: `layer-rnn summary MODEL

The layers of a model, what it takes and what it gives.

  MODEL          a .keras or .h5 file, or - for standard input
`,
    options: {},
    run: summary,
  },
  run: {
    help: `layer-rnn run MODEL --input FILE [--output FILE] [--stream] [--batch N] [--from FORMAT] [--to FORMAT]

Runs a file through a model.

  MODEL          a .keras or .h5 file
  --input FILE   .npy, .csv or .json; - is standard input
  --output FILE  where the results go; without it, or with -, standard output
  --stream       step by step, states kept; gives the output after every step. Every line of a CSV file is
                 a step, and its output is written before the next line is read
  --batch N      samples that are computed together (default: the model's fixed batch, or 32)
  --from FORMAT  npy, csv or json: the format of the input, when its name does not say it
  --to FORMAT    the format of the output. On standard output: as the input, JSON for .npy

CSV is a table of numbers, with or without a line of headings: one sequence, a line for each step, when the model
takes sequences of vectors; otherwise a sample a line. JSON is nested arrays, by name in an object where there are several.
`,
    options: {
      input: { type: 'string' },
      output: { type: 'string' },
      stream: { type: 'boolean' },
      batch: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
    },
    run(file, given) {
      const { input, output = '-', stream = false, from, to } = given
      if (input === undefined) throw new UsageError('run needs --input')
      if (input === '-' && file === '-')
        throw new UsageError('only one of model and input comes from standard input')
      const text = (value: unknown) => value as string | undefined
      return run(file, {
        input: text(input)!,
        output: text(output)!,
        from: text(from),
        to: text(to),
        stream: stream === true,
        batch: number(given, 'batch'),
      })
    },
  },
  bench: {
    help: `layer-rnn bench MODEL [--batch N] [--steps N] [--seconds S] [--json]

How long a model takes on this machine: one step of a stream and a whole sequence, the first time and afterwards
(median, 90th and 99th percentile, longest), and the memory that it needs.

  MODEL          a .keras or .h5 file
  --batch N      sequences side by side (default: the model's fixed batch, or 1)
  --steps N      steps of the sequence, where the model leaves it open (default 100)
  --seconds S    how long each of the two is measured (default 1)
  --json         one line of JSON, times in microseconds
`,
    options: {
      batch: { type: 'string' },
      steps: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean' },
    },
    run: (file, given) =>
      bench(file, {
        batch: number(given, 'batch'),
        steps: number(given, 'steps') ?? 100,
        seconds: number(given, 'seconds', false) ?? 1,
        json: given.json === true,
      }),
  },
}

const help = `layer-rnn COMMAND MODEL [OPTIONS]

  summary        the layers of a model, what it takes and what it gives
  run            runs a .npy, .csv or .json file through a model
  bench          how long a model takes on this machine

  --help         this; behind a command, what it takes
  --version      the version of the package

Models are .keras or .h5 files as Keras saves them. Exit status: 0 done, 1 failed, 2 not understood.
`

/** A positive number that an option has, a whole one unless said otherwise; undefined without the option. */
function number(given: Given, name: string, whole = true): number | undefined {
  const text = given[name]
  if (text === undefined) return undefined
  const value = text === '' ? Number.NaN : Number(text)
  const fine = whole ? Number.isSafeInteger(value) : Number.isFinite(value)
  if (fine && value > 0) return value
  throw new UsageError(`--${name} is a ${whole ? 'whole number from 1' : 'number above 0'}, not ${text}`)
}

async function main(args: string[]): Promise<void> {
  const [name = '', ...rest] = args
  if (['--help', '-h', 'help'].includes(name)) {
    const [about = ''] = rest
    return write('-', [Object.hasOwn(commands, about) ? commands[about]!.help : help])
  }
  if (['--version', '-v', '-V'].includes(name)) return write('-', [`${version()}\n`])
  if (name === '') throw new UsageError('no command')
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    const what = name.startsWith('-') ? 'option' : 'command'
    throw new UsageError(`there is no ${what} ${name}${hint(name, Object.keys(commands))}`)
  }
  const { values, positionals } = parse(command, rest)
  if (values.help) return write('-', [command.help])
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) throw new UsageError(`${name} takes one model`)
  await command.run(file, values)
}

function parse({ options }: Command, args: string[]): { values: Given; positionals: string[] } {
  try {
    const all = { ...options, help: { type: 'boolean' as const, short: 'h' } }
    return parseArgs({ args, options: all, allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    const option = /^Unknown option '--([^']*)'/.exec(message)?.[1]
    const known = Object.keys({ ...options, help: 0 }).map(name => `--${name}`)
    const near = option === undefined ? '' : hint(`--${option}`, known)
    const dashed = /^Option '(--[^' ]*).* ambiguous/.exec(message)?.[1]
    if (dashed)
      throw new UsageError(`${dashed} needs a value; one that begins with a dash is given as ${dashed}=VALUE`)
    throw new UsageError(message.split(/\. |\n/)[0]!.replace(/^U/, 'u') + near)
  }
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

/** The status that a shell gives to a program whose reader went away. */
const brokenPipe = 141

try {
  await main(process.argv.slice(2))
} catch (error) {
  const { code, cause } = error as NodeJS.ErrnoException
  if (code === 'EPIPE' || (cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE')
    process.exit(brokenPipe)
  const known = error instanceof Failure || error instanceof LayerRnnError
  const text = known ? error.message : `this should not happen: ${(error as Error)?.message ?? error}`
  const advice = error instanceof UsageError ? '; see layer-rnn --help' : ''
  process.stderr.write(`layer-rnn: ${text}${advice}\n`)
  process.exitCode = error instanceof Failure ? error.status : 1
}
