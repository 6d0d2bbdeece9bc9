/**
 * A plan as text: what a program became. A line is an op that runs; bars join ops that go block by block over the same elements. Below
 * a sequence of steps stands what of a step runs ahead of the loop for the rows of many steps, in the loop, and after it.
 */
import { UnsupportedError } from '../errors.js'
import { Emit, Op, Part } from '../generated/enums.js'
import { Emit as emits } from '../generated/names.js'
import { dtypeOf } from '../tensor/shape.js'
import { type Tensor, Variable } from '../tensor/tensor.js'
import { attributesOf, flagsOf, nameOf, opOf } from './print_op.js'
import type { Plan } from './program.js'
import { anySize } from './trace.js'

interface Described {
  inputs: number[]
  outputs: number[]
  assigns: number[][]
  variables: number[][]
  values: { dtype: number; dims: number[] }[]
  records: { op: number; attrs: number[]; inputs: number[]; outputs: number[] }[]
  phases: Step[][]
}

interface Loop {
  chunk: number
  /** By state: is it only added to, after the loop? */
  late: number[]
  body: Described
}

interface Step {
  record: number
  group: number
  /** Operand, role, when. */
  packs: number[][]
  loop?: Loop
}

/** What `program/describe.rs` of the engine writes. */
function describe({ program: { engine }, id }: Plan): Int32Array {
  if (!('plan_describe' in engine.raw))
    throw new UnsupportedError('the WebAssembly of layer-rnn/infer prints no programs: import layer-rnn')
  const count = engine.make('program', 'plan_describe', [id])
  engine.words(count)
  engine.call('plan_describe', id)
  return Int32Array.from(engine.words(count).subarray(0, count))
}

/** Its words, read. */
function read(words: Int32Array) {
  let at = 0
  const word = () => words[at++]!
  const times = <T>(make: () => T): T[] => Array.from({ length: word() }, make)
  const list = () => times(word)
  const pairs = () => times(() => [word(), word()])
  const program = (phases: number): Described => {
    const described: Described = {
      inputs: list(),
      outputs: list(),
      assigns: pairs(),
      variables: pairs(),
      values: times(() => ({ dtype: word(), dims: list() })),
      records: times(() => ({ op: word(), attrs: list(), inputs: list(), outputs: list() })),
      phases: [],
    }
    const step = (): Step => {
      const record = word()
      const all = { record, group: word(), packs: times(() => [word(), word(), word()]) }
      if (described.records[record]!.op !== Op.Steps) return all
      return { ...all, loop: { chunk: word(), late: list(), body: program(3) } }
    }
    for (let phase = 0; phase < phases; phase++) described.phases.push(times(step))
    return described
  }
  return { slots: list(), scratch: word(), program: program(1) }
}

const roles = ['', ' transposed', ' gates', ' gates turned', ' bias', ' bias', ' candidate bias']
const moments = ['', ' before the loop', ' each time']
const shorts = { float32: 'f32', int32: 'i32', bool: 'bool' }

const partNames = {
  [Part.X]: 'x',
  [Part.TimeMajorX]: 'x time first',
  [Part.State]: 'state',
  [Part.ZeroState]: 'state',
  [Part.Capture]: '',
  [Part.Tape]: 'x',
}

/** What stands for the operand of a part that has none. */
const without: { readonly [part: number]: string } = {
  [Part.ZeroState]: 'zeros',
  [Part.Tape]: 'a segment run again',
}

const isState = (part: Part) => part === Part.State || part === Part.ZeroState

/** The attributes of a sequence of steps. */
function readSteps([, flags = 0, previous = 0, count = 0, ...rest]: readonly number[]) {
  const parts = rest.slice(0, count) as Part[]
  const [length = 0, ...words] = rest.slice(count)
  const pairs = words.slice(0, length)
  const results = pairs.flatMap((_, i) => (i % 2 ? [] : [pairs.slice(i, i + 2)]))
  return { flags, previous, parts, results, segment: words[length] }
}

/** What a sequence of steps has beside its step. */
function around({ attrs }: Described['records'][number], operands: readonly string[]): string[] {
  const { flags, previous, parts, segment } = readSteps(attrs)
  const given = parts.filter(part => !without[part]).length
  const mask = (flags >> 2) & 1
  return [
    ...flagsOf(flags),
    ...(mask ? [`mask ${operands[given]}`] : []),
    ...(previous ? [`previous ${operands.slice(given + mask).join(' ')}`] : []),
    ...(segment ? [`segments of ${segment}`] : []),
  ]
}

/** Values and what they are called; a step program has its own, with a letter in front. */
class Scope {
  readonly names = new Map<number, string>()
  /** Reshapes run nothing: they are printed where they are first read. */
  readonly renames = new Map<number, Described['records'][number]>()
  /** What unknown sizes are called. */
  readonly sizes = new Map([
    [-1, 'batch'],
    [anySize, '?'],
  ])
  readonly #letter: string
  #count = 0

  constructor(
    readonly program: Described,
    letter = '',
  ) {
    this.#letter = letter
    for (const record of program.records) {
      if (record.op === Op.Reshape || record.op === Op.Stop) this.renames.set(record.outputs[0]!, record)
    }
  }

  define(value: number): string {
    const name = `%${this.#letter}${this.#count++}`
    this.names.set(value, name)
    return name
  }

  name(value: number): string {
    return this.names.get(value) ?? `%?`
  }

  type(value: number): string {
    const { dtype, dims } = this.program.values[value]!
    const sizes = dims.map(dim => (dim >= 0 ? dim : (this.sizes.get(dim) ?? '?')))
    return `${shorts[dtypeOf(dtype)]}[${sizes.join(', ')}]`
  }

  types(values: readonly number[]): string {
    return values.map(value => this.type(value)).join(', ')
  }
}

/** What things are called where it is not what they call themselves. */
export interface PlanNames {
  /** Those of the first inputs. */
  inputs?: readonly string[]
  weights?: ReadonlyMap<Tensor, string>
}

/** A plan as text, under a title. */
export function printPlan(title: string, plan: Plan, names: PlanNames = {}): string {
  const { slots, scratch, program } = read(describe(plan))
  const printer = new Printer(plan, names)
  printer.whole(program)
  const bytes = 4 * slots.reduce((sum, words) => sum + words, scratch)
  const memory = `${slots.length} slots and scratch: ${bytes} bytes`
  return [title, memory, ...printer.lines, ''].join('\n')
}

class Printer {
  readonly lines: string[] = []
  readonly #plan: Plan
  readonly #names: PlanNames
  #letters = 0
  #layer = ''

  constructor(plan: Plan, names: PlanNames) {
    this.#plan = plan
    this.#names = names
  }

  whole(program: Described): void {
    const { captured, inputs } = this.#plan.program.parts
    const scope = new Scope(program)
    program.inputs.forEach((value, i) => {
      program.values[value]!.dims.forEach((size, axis) => {
        if (!scope.sizes.has(size)) scope.sizes.set(size, axis === 1 ? 'time' : `n${scope.sizes.size - 1}`)
      })
      const name = this.#names.inputs?.[i] ?? inputs[i]!.name ?? ''
      this.#line('', `${scope.define(value)} = ${`input ${name}`.trim()} : ${scope.type(value)}`)
    })
    for (const [value, id] of program.variables as [number, number][]) {
      const tensor = captured.find(tensor => !tensor.disposed && tensor.id === id)
      const constant = `constant ${scope.type(value)}`
      const name = tensor instanceof Variable ? tensor.name : constant
      scope.names.set(value, (tensor && this.#names.weights?.get(tensor)) ?? name)
    }
    this.#phase(scope, program.phases[0]!, '')
    for (const value of program.outputs) this.#rename(scope, value, '')
    for (const [target, value] of program.assigns as [number, number][]) {
      this.#rename(scope, value, '')
      this.#line('', `${scope.name(target)} ← ${scope.name(value)}`)
    }
    this.#line('', `return ${program.outputs.map(value => scope.name(value)).join(', ')}`)
  }

  #line(indent: string, text: string): void {
    this.lines.push(indent + text)
  }

  #phase(scope: Scope, steps: readonly Step[], indent: string): void {
    let [place, group] = [0, 0]
    for (const step of steps) {
      if (++place > group) [place, group] = [1, step.group]
      const bar = group === 1 ? '' : place === 1 ? '┌ ' : place === group ? '└ ' : '│ '
      for (const value of scope.program.records[step.record]!.inputs) this.#rename(scope, value, indent)
      this.#step(scope, step, indent, bar)
    }
  }

  /** Prints the reshapes that lead to a value, if they are not printed yet. */
  #rename(scope: Scope, value: number, indent: string): void {
    const record = scope.renames.get(value)
    if (!record || scope.names.has(value)) return
    const [from] = record.inputs as [number]
    this.#rename(scope, from, indent)
    const made = `${scope.define(value)} = ${opOf(record)} ${scope.name(from)}`
    this.#line(indent, `${made} : ${scope.type(value)}`)
  }

  #step(scope: Scope, step: Step, indent: string, bar: string): void {
    const record = scope.program.records[step.record]!
    const operands = record.inputs.map((value, i) => {
      const packs = step.packs.filter(([operand]) => operand === i)
      const forms = packs.map(([, role, when]) => `packed${roles[role!]}${moments[when!]}`)
      return scope.name(value) + (forms.length > 0 ? ` (${forms.join(', ')})` : '')
    })
    const made = record.outputs.map(value => scope.define(value)).join(', ')
    const { loop } = step
    const attributes = loop ? around(record, operands) : attributesOf(record)
    const said = attributes.length > 0 ? ` {${attributes.join(', ')}}` : ''
    const shown = loop ? [] : operands
    const text = [`${bar}${made} =`, opOf(record), ...(shown.length > 0 ? [shown.join(', ')] : [])].join(' ')
    const type = scope.types(record.outputs)
    this.#line(indent, `${text}${said} : ${type}${this.#origin(scope, step, indent)}`)
    if (loop) this.#loop(scope, record, loop, `${indent}    `)
  }

  /** The layer, where it changes; what was moved out of a step is told by the op that it was recorded with. */
  #origin(scope: Scope, { record }: Step, indent: string): string {
    if (indent !== '') return ''
    const { origins } = this.#plan.program.parts
    const origin = origins[record]
    const { layer = '', op } = origin ?? {}
    const lifted = scope.program.records.some(
      (other, at) => at > record && other.op === Op.Steps && origins[at] === origin,
    )
    const name = op === 'gradient' ? `gradient ${layer}`.trim() : layer + (lifted ? ', out of the step' : '')
    if (name === this.#layer) return ''
    this.#layer = name
    return name && `  // ${name}`
  }

  #loop(scope: Scope, record: Described['records'][number], loop: Loop, indent: string): void {
    const { parts, results } = readSteps(record.attrs)
    const { chunk, late, body } = loop
    const inner = new Scope(body, String.fromCharCode(97 + this.#letters++))
    const line = (text: string) => this.#line(indent, text)
    line(`chunks of ${chunk} steps`)
    let operand = 0
    parts.forEach((part, i) => {
      const value = body.inputs[i]!
      const outside = without[part] ?? scope.name(record.inputs[operand++]!)
      if (part === Part.Capture) inner.names.set(value, outside)
      else line(`${partNames[part]} ${inner.define(value)} = ${outside} : ${inner.type(value)}`)
    })
    const owners = body.inputs.filter((_, i) => isState(parts[i]!))
    body.phases.forEach((steps, phase) => {
      const next = owners.flatMap((state, i) => {
        const when = late[i] ? 2 : 1
        return when === phase ? [[state, body.outputs[i]!] as const] : []
      })
      if (steps.length + next.length === 0) return
      inner.sizes.set(-1, phase === 1 ? 'batch' : 'rows')
      line(`${['ahead', 'loop', 'after'][phase]}:`)
      this.#phase(inner, steps, `${indent}  `)
      for (const [state, value] of next) {
        this.#rename(inner, value, `${indent}  `)
        line(`  ${inner.name(state)} ← ${inner.name(value)}`)
      }
    })
    results.forEach(([kind, output], i) => {
      const value = body.outputs[output!]!
      this.#rename(inner, value, indent)
      const made = kind === Emit.FinalState || kind === Emit.Kept ? owners[output!]! : value
      line(`${scope.name(record.outputs[i]!)} = ${nameOf(emits, kind)} ${inner.name(made)}`)
    })
  }
}
