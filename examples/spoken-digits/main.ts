/**
 * The main job: a model trained in Keras, streamed over recordings of spoken digits.
 *
 *     npm start                       the shipped clips, compared with Keras's own outputs after every frame
 *     npm start -- FILE.wav …         your recordings
 *     npm start -- --json [FILE …]    one line of JSON instead of pictures
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { bold, dim, percent, picture } from './picture.js'
import { file, median, type Recognition, Recognizer } from './recognizer.js'

const usage = `npm start -- [--json] [FILE.wav …]

Recognizes the digit spoken in each recording; without files, in the clips that are shipped.
  --json   print one line: { clips: [{ file, digit, probabilities, maxAbsDiff?, stepMicros, sequenceMicros }] }
  --help   print this`

interface Reference {
  keras: string
  clips: { file: string; digit: number; probabilities: number[][] }[]
}

interface Clip {
  file: string
  recognition: Recognition
  /** Largest difference from Keras's probabilities over all steps; only the shipped clips have a reference. */
  maxAbsDiff?: number
}

const reference = JSON.parse(readFileSync(file('model/reference.json'), 'utf8')) as Reference

process.exitCode = main(process.argv.slice(2))

function main(args: string[]): number {
  let options: { json?: boolean; help?: boolean }
  let files: string[]
  try {
    const parsed = parseArgs({
      args,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    options = parsed.values
    files = parsed.positionals
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 1
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  const recognizer = new Recognizer()
  const clips: Clip[] = []
  let failed = 0
  const run = (name: string, source: string | URL, probabilities?: number[][]) => {
    try {
      const recognition = recognizer.recognize(recognizer.read(readFileSync(source)))
      const maxAbsDiff = probabilities && difference(recognition.steps, probabilities)
      clips.push({ file: name, recognition, maxAbsDiff })
      if (!options.json) show(clips.at(-1)!, recognizer.stepSeconds)
    } catch (error) {
      failed++
      console.error(`${name}: ${reason(error as NodeJS.ErrnoException)}`)
    }
  }
  if (files.length > 0) for (const path of files) run(path, path)
  else
    for (const { file: name, probabilities } of reference.clips)
      run(name, file(`clips/${name}`), probabilities)
  if (options.json) console.log(JSON.stringify({ clips: clips.map(jsonOf) }))
  else if (clips.length > 1) summarize(clips, recognizer.stepSeconds)
  return failed > 0 ? 1 : 0
}

function show({ file: name, recognition, maxAbsDiff }: Clip, stepSeconds: number): void {
  const { digit, steps, duration, stepMicros } = recognition
  console.log(
    `${bold(basename(name))} ${dim(`${duration.toFixed(2)} s, ${steps.length} frame${steps.length === 1 ? '' : 's'}`)}`,
  )
  console.log(picture(recognition))
  const facts = [`${bold(`→ ${digit}`)} (${percent(steps.at(-1)![digit]!).trim()})`]
  if (maxAbsDiff !== undefined) facts.push(`${maxAbsDiff.toExponential(1)} from Keras at most`)
  facts.push(`${stepMicros.toFixed(1)} µs a step, ${faster(stepMicros, stepSeconds)} faster than real time`)
  console.log(`  ${facts.join(dim(' · '))}\n`)
}

function summarize(clips: Clip[], stepSeconds: number): void {
  const micros = median(clips.map(clip => clip.recognition.stepMicros))
  const differences = clips.flatMap(clip => clip.maxAbsDiff ?? [])
  const parts = [`${clips.length} clips`]
  if (differences.length > 0) {
    const right = reference.clips.filter((clip, i) => clip.digit === clips[i]?.recognition.digit).length
    parts.push(`${right} right`, `largest difference from Keras ${Math.max(...differences).toExponential(1)}`)
  }
  parts.push(`${micros.toFixed(1)} µs a step: ${faster(micros, stepSeconds)} faster than real time`)
  console.log(bold(parts.join(' · ')))
}

function jsonOf({ file: name, recognition, maxAbsDiff }: Clip): object {
  const { digit, steps, stepMicros, sequenceMicros } = recognition
  return { file: name, digit, probabilities: steps.at(-1), maxAbsDiff, stepMicros, sequenceMicros }
}

function difference(steps: number[][], expected: number[][]): number {
  if (steps.length !== expected.length) {
    throw new Error(`${steps.length} frames, but Keras's reference has ${expected.length}`)
  }
  return Math.max(...steps.flatMap((step, t) => step.map((p, d) => Math.abs(p - expected[t]![d]!))))
}

function faster(stepMicros: number, stepSeconds: number): string {
  return `${Math.round((stepSeconds * 1e6) / stepMicros).toLocaleString('en-US')}×`
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EISDIR') return 'it is a folder, not a WAV file'
  return error.message
}
