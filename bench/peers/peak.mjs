/** GFLOP/s of multiplications and additions in registers; null until the kernels' benchmark is there to measure it. */
export const measurePeak = () => null
