/**
 * A clockwork network (Koutník et al. 2014): groups of units that move at every step, at every second, at every fourth, and so on; each
 * sees itself and the slower ones. Its states are nested: a count of steps, and a list with the units of every group.
 */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

interface Clock {
  step: Tensor
  groups: Tensor[]
}

export class Clockwork extends RNNCell<Clock> {
  kernel!: Tensor
  bias!: Tensor
  recurrentKernels!: Tensor[]

  constructor(
    readonly units: number,
    readonly periods: readonly number[] = [1, 2, 4],
  ) {
    super()
    this.stateSize = { step: 1, groups: periods.map(() => units) }
    this.outputSize = units * periods.length
  }

  override build(inputShape: Shape) {
    const { units, periods } = this
    const all = units * periods.length
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), all] })
    this.bias = this.addWeight({ name: 'bias', shape: [all], initializer: 'zeros' })
    this.recurrentKernels = periods.map((_, i) =>
      this.addWeight({ name: `recurrent_kernel_${i}`, shape: [all - i * units, units] }),
    )
  }

  override call(x: Tensor, { step, groups }: Clock) {
    const inputs = ops.split(ops.linear(x, this.kernel, this.bias), groups.length, -1) as Tensor[]
    const next = groups.map((group, i) => {
      const slower = ops.concatenate(groups.slice(i))
      const moved = ops.tanh(ops.add(inputs[i]!, ops.dot(slower, this.recurrentKernels[i]!)))
      // a choice by values is made by where: both are computed
      return ops.where(ops.equal(ops.mod(step, this.periods[i]!), 0), moved, group)
    })
    return [ops.concatenate(next), { step: ops.add(step, 1), groups: next }]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units, periods: this.periods }
  }

  static override fromConfig({ units, periods }: { units: number; periods: number[] }) {
    return new Clockwork(units, periods)
  }
}
