// A classic worker or service worker: the global script, and the programs as scripts.
importScripts('/package/dist/global.js', '/out/answers.js')
const compute = () => matrixAnswers.answers(layerRnn, layerRnn.loadModelSync, matrixAnswers.file)

if (typeof clients === 'object') {
  addEventListener('message', event => event.source.postMessage(compute()))
} else {
  postMessage(compute())
}
