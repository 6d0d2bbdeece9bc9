// The script's global has the package's types, in CommonJS too.
/// <reference types="layer-rnn/global" />

export const model = new layerRnn.Sequential([layerRnn.Input({ shape: [null, 3] })])
