'use strict'
// Loaded with `node -r` before anything else, so that an old Node says what is wrong instead of failing to parse.
const major = Number.parseInt(process.versions.node, 10)
if (major < 20) {
  console.error(
    'layer-rnn needs Node 20 or newer, and this is Node ' +
      process.versions.node +
      '. Install a current one (https://nodejs.org, or `nvm install 20`), then run this again.',
  )
  process.exit(1)
}
