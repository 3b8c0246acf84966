// A phone number with its linked devices, as WhatsApp knows it. `self` is the phone, which gets messages, too.
import { createHmac } from 'node:crypto'

export class Account {
  constructor(B, phone, self) {
    this.B = B
    this.phone = phone
    this.self = self
    this.lid = self.lid
    this.key = B.Curve.generateKeyPair()
    this.devices = new Map()
    this.linked = 0
    this.refusal = null
  }

  /** Link the device that asks on this connection; `rest` is what it said about itself. */
  link(identity, noiseKey, registration) {
    const device = new Device(this, ++this.linked, identity, noiseKey, registration)
    this.devices.set(device.number, device)
    return device
  }

  unlink(device) {
    this.devices.delete(device.number)
  }

  /** The device that is connected now, the newest first. */
  get online() {
    return [...this.devices.values()].reverse().find(device => device.connection)
  }

  /** What the phone signs to vouch for a device; `spoiled`, its seal by the shared secret is wrong. */
  voucher(identity, keyIndex, secret, spoiled) {
    const { B, key } = this
    const details = B.proto.ADVDeviceIdentity.encode({
      rawId: 12345, timestamp: seconds(), keyIndex, accountType: 0, deviceType: 0
    }).finish()
    const accountSignature = B.Curve.sign(key.private, Buffer.concat([Buffer.from([6, 0]), details, identity]))
    const signed = B.proto.ADVSignedDeviceIdentity.encode({
      details, accountSignatureKey: key.public, accountSignature
    }).finish()
    const hmac = createHmac('sha256', secret).update(signed).digest()
    if (spoiled) hmac[0] ^= 0xff
    return Buffer.from(B.proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish())
  }
}

class Device {
  constructor(account, number, identity, noiseKey, registration) {
    Object.assign(this, { account, number, identity, noiseKey, connection: null, ready: false, toldLow: false })
    this.registrationId = Buffer.from(registration.eRegid).readUInt32BE()
    this.signedPreKey = {
      id: Buffer.from(registration.eSkeyId).readUIntBE(0, 3),
      value: Buffer.from(registration.eSkeyVal),
      signature: Buffer.from(registration.eSkeySig)
    }
    this.preKeys = new Map()
    this.handedOut = []
    this.uploads = []
    this.waiting = new Map()
    this.logins = 0
  }

  get jid() {
    return `${this.account.phone}:${this.number}@s.whatsapp.net`
  }

  get lidJid() {
    return `${this.account.lid}:${this.number}@lid`
  }

  /** Keep uploaded pre-keys; returns how many replaced one that was there. */
  upload(keys) {
    this.toldLow = false
    const replaced = keys.filter(({ id }) => this.preKeys.has(id)).length
    for (const { id, value } of keys) this.preKeys.set(id, value)
    this.uploads.push({ count: keys.length, first: keys[0]?.id, last: keys.at(-1)?.id, replaced })
    return replaced
  }

  /** Hand out a one-time key, the oldest or the one asked for; WhatsApp's own order is not known. */
  takePreKey(id = this.preKeys.keys().next().value) {
    const value = this.preKeys.get(id)
    if (value === undefined) return null
    this.preKeys.delete(id)
    this.handedOut.push(id)
    return { id, value }
  }

  /** Deliver now, and again at the next login unless it was acknowledged. */
  deliver(stanza) {
    this.waiting.set(stanza.attrs.id, stanza)
    if (this.ready) this.connection?.send(stanza)
  }

  /** What somebody needs to write to this device for the first time. */
  bundle() {
    const { registrationId, identity, signedPreKey } = this
    return { registrationId, identity, signed: signedPreKey, preKey: this.takePreKey() }
  }

  acknowledged(id) {
    this.waiting.delete(id)
  }

  get state() {
    const { number, logins, handedOut, uploads } = this
    return {
      number, logins, handedOut, uploads,
      online: this.connection !== null, preKeys: this.preKeys.size, waiting: this.waiting.size
    }
  }
}

export const seconds = () => Math.floor(Date.now() / 1000)
