// The programs for scripts that are no modules, as `matrixAnswers`.
export { answers } from './answers.mjs'
export { default as file } from './model.mjs'
