// One client's web socket: handshake, then nodes both ways. What a node means is decided elsewhere.
import { Frames, Handshake } from './noise.mjs'

const SETTLE_MS = 100 // 6.x installs its new keys a moment after it sent its last handshake message
const GOODBYE_MS = 100
const HEADER_BYTES = 4

export class Connection {
  constructor(server, socket) {
    Object.assign(this, { server, socket, stage: 'header', silent: false, device: null, registration: null })
    this.frames = new Frames()
    this.handshake = new Handshake(server.B, server.identity)
    this.work = Promise.resolve()
    socket.on('message', data => this.receive(data))
    socket.on('close', () => server.gone(this))
    socket.on('error', () => {})
  }

  /** Nodes are taken one after the other: their counters are part of the encryption. */
  receive(data) {
    if (this.silent) return
    this.frames.push(data)
    this.work = this.work.then(() => this.drain()).catch(error => this.broken(error))
  }

  broken(error) {
    this.server.log('broken', { error: error.message, stage: this.stage })
    this.socket.terminate()
  }

  async drain() {
    if (this.stage === 'header' && !this.header()) return
    for (let frame = this.frames.next(); frame; frame = this.frames.next()) await this.step(frame)
  }

  header() {
    const routed = this.frames.rest.subarray(0, 2).toString() === 'ED'
    if (routed) this.frames.take(7 + this.frames.rest.readUIntBE(4, 3))
    const header = this.frames.take(HEADER_BYTES)
    if (!header) return false
    this.codec = this.server.codecFor(header[3])
    this.handshake.prologue(header)
    this.stage = 'hello'
    return true
  }

  async step(frame) {
    if (this.stage === 'hello') {
      this.socket.send(Frames.frame(this.handshake.hello(frame)))
      this.stage = 'finish'
    } else if (this.stage === 'finish') {
      this.finish(frame)
    } else {
      const node = await this.codec.decodeBinaryNode(this.transport.open(frame))
      await this.server.received(this, node)
    }
  }

  finish(frame) {
    const { noiseKey, payload, transport } = this.handshake.finish(frame)
    Object.assign(this, { noiseKey, transport, stage: 'open', registration: payload.devicePairingData ?? null })
    setTimeout(() => this.server.entered(this, payload), SETTLE_MS)
  }

  get usable() {
    return this.stage === 'open' && this.socket.readyState === this.socket.OPEN && !this.silent
  }

  send(node) {
    if (!this.usable) return false
    this.socket.send(Frames.frame(this.transport.seal(this.codec.encodeBinaryNode(node))))
    return true
  }

  answer(node, content) {
    const attrs = { from: 's.whatsapp.net', type: 'result', id: node.attrs.id }
    return this.send({ tag: 'iq', attrs, content })
  }

  /** Say why, then hang up. */
  end(node) {
    this.send(node)
    setTimeout(() => this.socket.close(), GOODBYE_MS)
  }
}
