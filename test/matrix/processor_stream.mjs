// An AudioWorklet that plays what is posted to it.
import { registerStreamProcessor } from 'layer-rnn/slim/worklet'

registerStreamProcessor('layer-rnn')
