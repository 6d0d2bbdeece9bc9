/** The table that `model.summary()` returns. */
import type { Layer } from '../layers/layer.js'
import { mapNested, type Nested } from '../layers/structure.js'
import { applications, type KerasTensor } from './graph.js'
import type { Model } from './model.js'

/** As Keras prints it: layers with their output shapes and parameters, and the totals. */
export function summarize(model: Model): string {
  const linear = model.className === 'Sequential'
  const header = ['Layer (type)', 'Output Shape', 'Param #', ...(linear ? [] : ['Connected to'])]
  const inside = new Set(model.nodes)
  const rows = model.layers.map(layer => {
    const nodes = applications(layer).filter(node => inside.has(node))
    const row = [
      `${layer.name} (${layer.className})`,
      shown(nodes[0]?.outputs),
      layer.built ? grouped(layer.countParams()) : '? (unbuilt)',
    ]
    if (linear) return row
    const parents = nodes.flatMap(node => node.parents).map(tensor => tensor.name)
    return [...row, parents.length > 0 ? parents.join(', ') : '-']
  })
  const trainable = total(model.trainableWeights)
  const frozen = total(model.nonTrainableWeights)
  return [
    `Model: "${model.name}"`,
    table(header, rows),
    ` Total params: ${grouped(trainable + frozen)} (${size(trainable + frozen)})`,
    ` Trainable params: ${grouped(trainable)} (${size(trainable)})`,
    ` Non-trainable params: ${grouped(frozen)} (${size(frozen)})`,
    '',
  ].join('\n')
}

function table(header: string[], rows: string[][]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)))
  const rule = (left: string, cross: string, right: string, dash: string) =>
    left + widths.map(width => dash.repeat(width + 2)).join(cross) + right
  const line = (cells: string[], bar: string) =>
    `${bar} ${cells.map((cell, i) => (i === 2 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(` ${bar} `)} ${bar}`
  const between = `\n${rule('├', '┼', '┤', '─')}\n`
  return [
    rule('┏', '┳', '┓', '━'),
    line(header, '┃'),
    rule('┡', '╇', '┩', '━'),
    ...(rows.length > 0 ? [rows.map(row => line(row, '│')).join(between)] : []),
    rule('└', '┴', '┘', '─'),
  ].join('\n')
}

function shown(outputs: Nested<KerasTensor> | undefined): string {
  if (outputs === undefined) return '? (unbuilt)'
  const shapes: string[] = []
  mapNested(outputs, tensor => shapes.push(`[${(tensor as KerasTensor).shape.map(String).join(', ')}]`))
  return shapes.join(', ')
}

function total(weights: Layer['weights']): number {
  return weights.reduce((sum, { shape }) => sum + shape.reduce<number>((n, dim) => n * dim!, 1), 0)
}

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

function size(params: number): string {
  const bytes = params * 4
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(2)} KB` : `${(bytes / 1024 ** 2).toFixed(2)} MB`
}
