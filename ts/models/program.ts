/** Programs traced from layers and models, with the tensors that they were last run on. */
import type { Engine } from '../engine/engine.js'
import { leaves, mapNested, type Nested } from '../layers/structure.js'
import { batchInput } from '../ops/rows.js'
import { type Call, type Phase, type Program, Trace, type TracedTensor } from '../ops/trace.js'
import type { Data, DType, Shape } from '../tensor/shape.js'
import { allocate, Tensor } from '../tensor/tensor.js'

/** Shape and dtype of an input. */
export interface InputType {
  shape: Shape
  dtype: DType
  /** Names of the unknown sizes, where they are not the batch first and new ones behind it. */
  symbols?: readonly number[]
}

/** What is fixed in the calls of a layer. */
export interface Fixed {
  /** The batch. */
  carries: boolean
  /** The number of time steps. */
  unrolls: boolean
  /** The axis of the batch; of axes 0 and 1, the other one is time. */
  batchAxis: number
}

/** The name of the time of sequences whose axis 0 it is. */
const time = 2 ** 20

/**
 * The type that data in the part `role` of a call are traced for: any batch, and any time for sequences, where these are not
 * fixed. Of constants that have as many rows as the sequences, `rows`, axis 0 is the batch; the others stay as they are.
 */
export function openType(
  { shape, dtype }: { shape: Shape; dtype: DType },
  role: string,
  { carries, unrolls, batchAxis }: Fixed,
  rows?: number | null,
): InputType {
  // [batch, ...] whatever the order of the sequences
  if (role === 'initialState' || role === 'constants') {
    const fixed = carries || (role === 'constants' && shape[0] !== rows)
    return { dtype, shape: fixed ? shape : [null, ...shape.slice(1)] }
  }
  const timed = shape.length > 2 || dtype !== 'float32'
  const open = shape.map((size, axis) => {
    if (axis > 1 || (axis === 1 && !timed)) return size
    return (axis === batchAxis ? carries : unrolls) ? size : null
  })
  return { dtype, shape: open, ...(batchAxis === 1 && { symbols: [time, 0] }) }
}

/** How many sizes of data a program keeps tensors for. */
const kept = 8

/**
 * A traced computation: any number of inputs, outputs in the structure that the code returned. Traced for `given` tensors it may
 * read values, and then holds for these alone.
 */
export class Computation {
  readonly program: Program
  /** The outputs' structure, with their indices as leaves. */
  readonly form: Nested<number>
  #joined = new Map<string, Joined>()

  constructor(
    engine: Engine,
    phase: Phase,
    inputs: readonly InputType[],
    fn: (inputs: TracedTensor[]) => Nested<TracedTensor>,
    given?: readonly Tensor[],
  ) {
    let outputs: Nested<TracedTensor> = []
    const trace = (trace: Trace) => {
      outputs = fn(inputs.map(type => batchInput(trace, type)))
      return leaves(outputs)
    }
    this.program = Trace.program(engine, phase, trace, given)
    let next = 0
    this.form = mapNested(outputs, () => next++)
  }

  /** The program with tensors of these shapes; those of the last few shapes are kept. */
  joined(shapes: readonly (readonly number[])[]): Joined {
    const key = shapes.join('/')
    const known = this.#joined.get(key)
    if (known) this.#joined.delete(key)
    const joined = known ?? new Joined(this.program, shapes)
    this.#joined.set(key, joined)
    if (this.#joined.size > kept) {
      const [oldest, old] = this.#joined.entries().next().value!
      this.#joined.delete(oldest)
      old.dispose()
    }
    return joined
  }

  /** Runs once over tensors of the caller; the outputs are new tensors. */
  run(inputs: readonly Tensor[]): Nested<Tensor> {
    const call = this.program.bind(inputs.map(({ shape }) => shape)).call(inputs)
    try {
      call.run()
      return mapNested(this.form, index => call.outputs[index as number]!)
    } catch (error) {
      for (const output of call.outputs) output.dispose()
      throw error
    } finally {
      call.dispose()
    }
  }

  dispose(): void {
    for (const joined of this.#joined.values()) joined.dispose()
    this.#joined.clear()
    this.program.dispose()
  }
}

/** A program and tensors of its own to run it on. */
export class Joined {
  readonly inputs: readonly Tensor[]
  readonly call: Call

  constructor(program: Program, shapes: readonly (readonly number[])[]) {
    const { engine } = program
    const plan = program.bind(shapes)
    const inputs: Tensor[] = []
    try {
      shapes.forEach((shape, i) => {
        const { dtype } = program.inputs[i]!
        inputs.push(new Tensor(engine, allocate(engine, shape, dtype, 'input'), shape, dtype))
      })
      this.call = Trace.outside(() => plan.call(inputs))
    } catch (error) {
      for (const input of inputs) input.dispose()
      throw error
    }
    this.inputs = inputs
  }

  /** Runs over these numbers; the outputs' views hold until the next call of the engine. */
  run(values: readonly Data[]): readonly Data[] {
    this.inputs.forEach((input, i) => {
      input.write(values[i]!)
    })
    this.call.run()
    return this.call.outputs.map(output => output.view<Data>())
  }

  dispose(): void {
    this.call.dispose()
    for (const tensor of [...this.inputs, ...this.call.outputs]) tensor.dispose()
  }
}

/** Computations by signature. */
export class Programs {
  #known = new Map<string, Computation>()

  get(signature: string, make: () => Computation): Computation {
    const known = this.#known.get(signature)
    if (known && !known.program.disposed) return known
    const made = make()
    if (!made.program.once) this.#known.set(signature, made)
    return made
  }

  dispose(): void {
    for (const computation of this.#known.values()) computation.dispose()
    this.#known.clear()
  }
}
