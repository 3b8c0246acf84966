// The answering side of the Noise XX handshake, as WhatsApp's servers speak it, and the encrypted frames after it.
const FIRST_MODE = 'Noise_XX_25519_AESGCM_SHA256\0\0\0\0'
const NOTHING = Buffer.alloc(0)

const nonce = count => {
  const iv = Buffer.alloc(12)
  iv.writeUInt32BE(count, 8)
  return iv
}

/** The server's long-lived key and a certificate chain for it. Clients do not check who signed the chain. */
export function makeIdentity(B) {
  const [root, intermediate, own] = [1, 2, 3].map(() => B.Curve.generateKeyPair())
  const { Details } = B.proto.CertChain.NoiseCertificate
  const certificate = (issuer, serial, issuerSerial, key) => {
    const details = Details.encode({ serial, issuerSerial, key: key.public, notBefore: 0, notAfter: 2e9 }).finish()
    return { details, signature: B.Curve.sign(issuer.private, details) }
  }
  const chain = { leaf: certificate(intermediate, 2, 1, own), intermediate: certificate(root, 1, 0, intermediate) }
  return { key: own, chain: Buffer.from(B.proto.CertChain.encode(chain).finish()) }
}

/** Key material while the handshake runs. */
class Symmetric {
  constructor(B) {
    this.B = B
    this.hash = this.salt = this.key = Buffer.from(FIRST_MODE)
    this.count = 0
  }

  absorb(data) {
    this.hash = this.B.sha256(Buffer.concat([this.hash, data]))
  }

  expand(secret) {
    const both = Buffer.from(this.B.hkdf(Buffer.from(secret), 64, { salt: this.salt, info: '' }))
    return [both.subarray(0, 32), both.subarray(32)]
  }

  mix(secret) {
    ;[this.salt, this.key] = this.expand(secret)
    this.count = 0
  }

  seal(plain) {
    const sealed = this.B.aesEncryptGCM(plain, this.key, nonce(this.count++), this.hash)
    this.absorb(sealed)
    return sealed
  }

  open(sealed) {
    const plain = this.B.aesDecryptGCM(sealed, this.key, nonce(this.count++), this.hash)
    this.absorb(sealed)
    return plain
  }
}

/** One client's handshake: `prologue`, then `hello`, then `finish`, each with what the client sent. */
export class Handshake {
  constructor(B, identity) {
    this.B = B
    this.identity = identity
    this.state = new Symmetric(B)
    this.ephemeral = B.Curve.generateKeyPair()
  }

  prologue(header) {
    this.state.absorb(header)
  }

  /** Returns the answer to the client's first message. */
  hello(frame) {
    const { B, state, ephemeral, identity } = this
    const theirs = Buffer.from(B.proto.HandshakeMessage.decode(frame).clientHello.ephemeral)
    state.absorb(theirs)
    state.absorb(ephemeral.public)
    state.mix(B.Curve.sharedKey(ephemeral.private, theirs))
    const sealedKey = state.seal(identity.key.public)
    state.mix(B.Curve.sharedKey(identity.key.private, theirs))
    const serverHello = { ephemeral: ephemeral.public, static: sealedKey, payload: state.seal(identity.chain) }
    return Buffer.from(B.proto.HandshakeMessage.encode({ serverHello }).finish())
  }

  /** Returns the client's long-lived key, what it wants, and the transport from here on. */
  finish(frame) {
    const { B, state, ephemeral } = this
    const { clientFinish } = B.proto.HandshakeMessage.decode(frame)
    const noiseKey = Buffer.from(state.open(Buffer.from(clientFinish.static)))
    state.mix(B.Curve.sharedKey(ephemeral.private, noiseKey))
    const payload = B.proto.ClientPayload.decode(state.open(Buffer.from(clientFinish.payload)))
    const [theirs, ours] = state.expand(NOTHING)
    return { noiseKey, payload, transport: new Transport(B, ours, theirs) }
  }
}

/** Frames after the handshake; every direction counts its own. */
class Transport {
  constructor(B, sealing, opening) {
    Object.assign(this, { B, sealing, opening, sent: 0, received: 0 })
  }

  seal(plain) {
    return this.B.aesEncryptGCM(Buffer.from(plain), this.sealing, nonce(this.sent++), NOTHING)
  }

  open(frame) {
    return this.B.aesDecryptGCM(frame, this.opening, nonce(this.received++), NOTHING)
  }
}

/** Cuts a byte stream into frames of a three-byte length and a body. */
export class Frames {
  constructor() {
    this.rest = NOTHING
  }

  push(data) {
    this.rest = Buffer.concat([this.rest, data])
  }

  take(length) {
    if (this.rest.length < length) return null
    const taken = Buffer.from(this.rest.subarray(0, length))
    this.rest = this.rest.subarray(length)
    return taken
  }

  next() {
    if (this.rest.length < 3) return null
    const length = this.rest.readUIntBE(0, 3)
    return this.rest.length < length + 3 ? null : this.take(length + 3).subarray(3)
  }

  static frame(body) {
    const head = Buffer.alloc(3)
    head.writeUIntBE(body.length, 0, 3)
    return Buffer.concat([head, body])
  }
}
