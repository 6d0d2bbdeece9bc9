/** What is measured of a model: `answer` computes the output of a row's input, in a stream where there is one. */
export const runner = (model, stream, answer, x) => ({
  name: 'ours',
  reset: () => stream?.resetStates(),
  run: data => Float32Array.from(answer(data)),
  call: () => answer(x),
  dispose() {
    stream?.dispose()
    model.dispose()
  },
})
