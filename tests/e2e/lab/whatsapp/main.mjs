// node main.mjs MODULES [MODULES_OF_BAILEYS_6]
//
// Listens on a free port of 127.0.0.1, prints one line of JSON with its addresses, then logs to stderr.
import { loadBaileys } from '../shared/baileys.mjs'
import { listen } from '../shared/http.mjs'
import { endWithParent } from '../shared/parent.mjs'
import { control } from './control.mjs'
import { WhatsApp } from './server.mjs'

const PATH = '/ws/chat'

async function signalOf(B) {
  const signal = B.require('libsignal')
  const group = await import(new URL('./Signal/Group/index.js', B.entry))
  return { ...signal, ...group, publicKey: B.generateSignalPubKey }
}

function logLine(event, fields = {}) {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...fields })}\n`)
}

async function main(modules, olderModules) {
  endWithParent()
  console.log = console.info = console.warn = () => {} // libsignal prints whole sessions
  const B = await loadBaileys(modules)
  const older = olderModules ? await loadBaileys(olderModules) : null
  const whatsapp = new WhatsApp({ B, older, signal: await signalOf(B), log: logLine })
  const { WebSocketServer } = B.require('ws')
  const sockets = new WebSocketServer({ noServer: true })
  const server = control(whatsapp)
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, opened => whatsapp.connect(opened)))
  const port = await listen(server)
  const addresses = { control: `http://127.0.0.1:${port}`, socket: `ws://127.0.0.1:${port}${PATH}`, baileys: B.version }
  process.stdout.write(`${JSON.stringify(addresses)}\n`)
}

await main(...process.argv.slice(2))
