import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { rollup } from 'rollup'
import { root } from '../setup/run.mjs'

/** What a consumer's page would carry for this code: bundled with the package and minified. */
export async function bundled(code, { withBytes = true } = {}) {
  const bundle = await rollup({
    input: 'page',
    plugins: [
      {
        name: 'page',
        resolveId: id => (id === 'page' ? join(root, 'page.mjs') : undefined), // here, so that the package finds itself
        load: id => (id === join(root, 'page.mjs') ? code : undefined),
        transform: (code, id) =>
          !withBytes && /\binline(_infer)?\.js$/.test(id) ? code.replace(/"[^"\n]{999,}"/g, '""') : undefined,
      },
      nodeResolve({ browser: true }),
      terser({ module: true }),
    ],
    onwarn(warning) {
      throw new Error(warning.message)
    },
  })
  const { output } = await bundle.generate({ format: 'es', inlineDynamicImports: true })
  await bundle.close()
  return Buffer.from(output[0].code)
}

export function sizes(bytes) {
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  }
}
