/**
 * Accuracy on a folder of recordings named `{digit}_{speaker}_{index}.wav`, as those of the Free Spoken Digit Dataset.
 *
 *     npm run evaluate -- --data DIR [--indices 5-9] [--json]
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Recognizer } from './recognizer.js'

const usage = `npm run evaluate -- --data DIR [--indices FROM-TO] [--json]

Recognizes every {digit}_{speaker}_{index}.wav in DIR and counts.
  --indices   only these indices (the model was trained on 10-49 of the Free Spoken Digit Dataset, 5-9 are held out)
  --json      print one line: { clips, right, accuracy, speakers: { [speaker]: { clips, right } }, failed }`

process.exitCode = main(process.argv.slice(2))

function main(args: string[]): number {
  let values: { data?: string; indices?: string; json?: boolean; help?: boolean }
  try {
    const options = {
      data: { type: 'string' },
      indices: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const
    values = parseArgs({ args, options }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 1
  }
  if (values.help) {
    console.log(usage)
    return 0
  }
  const range = values.indices === undefined ? [0, Number.POSITIVE_INFINITY] : interval(values.indices)
  if (values.data === undefined || !range) {
    const wrong = range ? '--data is missing' : `--indices must be two numbers as 5-9, not ${values.indices}`
    console.error(`${wrong}\n\n${usage}`)
    return 1
  }
  let names: string[]
  try {
    names = readdirSync(values.data)
  } catch {
    console.error(`${values.data} is no folder that can be read`)
    return 1
  }
  const recognizer = new Recognizer()
  const speakers: Record<string, { clips: number; right: number }> = {}
  let failed = 0
  for (const name of names.sort()) {
    const [, digit, speaker, index] = /^(\d)_(.+)_(\d+)\.wav$/i.exec(name) ?? []
    if (digit === undefined || speaker === undefined) continue
    if (Number(index) < range[0]! || Number(index) > range[1]!) continue
    try {
      const frames = recognizer.features.clip(recognizer.read(readFileSync(join(values.data, name))))
      const last = recognizer.stream(frames).at(-1)!
      speakers[speaker] ??= { clips: 0, right: 0 }
      const counts = speakers[speaker]
      counts.clips++
      if (last.indexOf(Math.max(...last)) === Number(digit)) counts.right++
    } catch (error) {
      failed++
      console.error(`${name}: ${(error as Error).message}`)
    }
  }
  const sum = (key: 'clips' | 'right') =>
    Object.values(speakers).reduce((total, each) => total + each[key], 0)
  const [clips, right] = [sum('clips'), sum('right')]
  if (clips === 0) {
    console.error(`${values.data}: no recordings named {digit}_{speaker}_{index}.wav`)
    return 1
  }
  if (values.json) console.log(JSON.stringify({ clips, right, accuracy: right / clips, speakers, failed }))
  else {
    for (const [speaker, each] of Object.entries(speakers)) console.log(`${speaker.padEnd(12)} ${rate(each)}`)
    console.log(`${'all'.padEnd(12)} ${rate({ clips, right })}`)
  }
  return failed > 0 ? 1 : 0
}

function interval(text: string): [number, number] | undefined {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? []
  return from === undefined ? undefined : [Number(from), Number(to)]
}

function rate({ clips, right }: { clips: number; right: number }): string {
  return `${right} of ${clips} right (${((100 * right) / clips).toFixed(1)} %)`
}
