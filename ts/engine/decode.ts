/** Reads what scripts/embed.mjs wrote. No atob, and no need of a TextEncoder: AudioWorklets have neither. */
import { compiled, instanceOf } from './instance.js'

interface Decoder {
  memory: { buffer: ArrayBuffer; grow(pages: number): void }
  start: { value: number }
  decode(end: number): number
}

/** The bytes of `text`, which the wasm in `decoder`, two hex digits a byte, turns into them where they lie. */
export function decode(decoder: string, text: string): Uint8Array {
  const own = Uint8Array.from({ length: decoder.length / 2 }, (_, i) =>
    Number.parseInt(decoder.slice(2 * i, 2 * i + 2), 16),
  )
  const { memory, start, decode } = instanceOf(compiled(own)) as unknown as Decoder
  memory.grow((start.value + text.length) >> 16)
  const bytes = new Uint8Array(memory.buffer, start.value)
  if (typeof TextEncoder === 'function') new TextEncoder().encodeInto(text, bytes)
  else for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes.subarray(0, decode(start.value + text.length) - start.value)
}
