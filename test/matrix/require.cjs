// Through `require`; where it gives modules, these must be the very ones that `import` gives.
const lib = require('layer-rnn')
const { loadModelSync } = require('layer-rnn/keras')

Promise.all([import('./answers.mjs'), import('./model.mjs'), import('layer-rnn')]).then(
  ([{ answers }, { default: file }, imported]) => {
    const result = answers(lib, loadModelSync, file)
    console.log(JSON.stringify({ ...result, shared: imported.Tensor === lib.Tensor }))
  },
)
