/** A GRU of images (Ballas et al. 2016): convolutions in the place of products, states `[rows, columns, filters]`. */
import { ops, RNNCell, type Shape, shape, type Tensor } from 'layer-rnn'

export class ConvGRU extends RNNCell<[Tensor]> {
  kernel!: Tensor
  recurrentKernel!: Tensor
  bias!: Tensor

  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly filters: number,
    readonly size = 3,
  ) {
    super()
    this.stateSize = shape(rows, columns, filters)
  }

  override build(inputShape: Shape) {
    const { filters, size } = this
    this.kernel = this.addWeight({ name: 'kernel', shape: [size, size, inputShape.at(-1), 3 * filters] })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: [size, size, filters, 3 * filters],
    })
    this.bias = this.addWeight({ name: 'bias', shape: [3 * filters], initializer: 'zeros' })
  }

  override call(x: Tensor, [h]: [Tensor]) {
    const same = { padding: 'same' } as const
    const input = ops.conv(x, this.kernel, same, this.bias)
    const [xz, xr, xh] = ops.split(input, 3, -1) as [Tensor, Tensor, Tensor]
    const [kz, kr, kh] = ops.split(this.recurrentKernel, 3, -1) as [Tensor, Tensor, Tensor]
    const z = ops.sigmoid(ops.add(xz, ops.conv(h, kz, same)))
    const r = ops.sigmoid(ops.add(xr, ops.conv(h, kr, same)))
    const candidate = ops.tanh(ops.add(xh, ops.conv(ops.multiply(r, h), kh, same)))
    const next = ops.add(candidate, ops.multiply(z, ops.subtract(h, candidate)))
    return [next, [next]]
  }

  override getConfig() {
    return {
      ...super.getConfig(),
      rows: this.rows,
      columns: this.columns,
      filters: this.filters,
      size: this.size,
    }
  }

  static override fromConfig({
    rows,
    columns,
    filters,
    size,
  }: {
    rows: number
    columns: number
    filters: number
    size: number
  }) {
    return new ConvGRU(rows, columns, filters, size)
  }
}
