/** The committed model files, and archives made from them. */
import { readdirSync, readFileSync } from 'node:fs'
import { unzipSync, zipSync } from 'fflate'
import { currentEngine } from '../../ts/engine/engine.js'

const folder = 'test/fixtures/models'

/** `masking_keras3`, …: the models that both families saved, and their neighbours. */
export const modelNames: readonly string[] = readdirSync(folder)
  .filter(name => name.endsWith('.keras'))
  .map(name => name.slice(0, -'.keras'.length))
  .sort()

export function modelFile(name: string): Uint8Array {
  return read(`${name}.keras`)
}

export function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${folder}/${name}`))
}

export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
}

/** The archive of a model with some of its files changed; undefined leaves one out. */
export function repacked(
  name: string,
  change: (files: Record<string, Uint8Array>) => void,
  level: 0 | 6 = 0,
): Uint8Array {
  const files = unzipSync(modelFile(name))
  change(files)
  return zipSync(files, { level })
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of any form
export type Json = any

/** The archive of a model with its config changed. */
export function reconfigured(name: string, change: (config: Json) => void): Uint8Array {
  return repacked(name, files => {
    const config = JSON.parse(new TextDecoder().decode(files['config.json']))
    change(config)
    files['config.json'] = new TextEncoder().encode(JSON.stringify(config))
  })
}

/** What is alive in the engine. */
export function handles(): { tensors: number; programs: number } {
  const { tensors, programs } = currentEngine().stats()
  return { tensors, programs }
}
