// A person who writes with our companies, with real libsignal on the phone.
import { randomBytes } from 'node:crypto'

const PRE_KEYS = 50

export class Contact {
  constructor(signal, number) {
    Object.assign(this, { signal, number, showsLid: true, addressing: 'pn', answersRetries: true })
    this.lid = `7${number.padStart(13, '0')}`
    this.identity = signal.curve.generateKeyPair()
    this.registrationId = 1 + (randomBytes(2).readUInt16BE() & 0x3fff)
    this.signed = this.makeSigned()
    this.preKeys = new Map()
    this.minted = 0
    this.sessions = new Map()
    this.groupKeys = new Map()
    this.inbox = []
    this.failures = []
    this.sent = new Map()
    this.storage = this.makeStorage()
  }

  get pn() {
    return `${this.number}@s.whatsapp.net`
  }

  get lidJid() {
    return `${this.lid}@lid`
  }

  makeSigned() {
    const pair = this.signal.curve.generateKeyPair()
    return { id: 1, pair, signature: this.signal.curve.calculateSignature(this.identity.privKey, pair.pubKey) }
  }

  makeStorage() {
    const { SessionRecord } = this.signal
    return {
      loadSession: async address =>
        this.sessions.has(address) ? SessionRecord.deserialize(JSON.parse(this.sessions.get(address))) : undefined,
      storeSession: async (address, record) => void this.sessions.set(address, JSON.stringify(record.serialize())),
      isTrustedIdentity: () => true,
      getOurIdentity: () => this.identity,
      getOurRegistrationId: () => this.registrationId,
      loadPreKey: id => this.preKeys.get(Number(id)),
      removePreKey: id => void this.preKeys.delete(Number(id)),
      loadSignedPreKey: () => this.signed.pair,
      loadSenderKey: async name => this.groupKeys.get(name.toString()) ?? new this.signal.SenderKeyRecord(),
      storeSenderKey: async (name, record) => void this.groupKeys.set(name.toString(), record)
    }
  }

  /** What somebody needs to write to this contact for the first time; the one-time key in it is used up. */
  bundle() {
    const id = (this.minted++ % PRE_KEYS) + 1
    const pair = this.signal.curve.generateKeyPair()
    this.preKeys.set(id, pair)
    const raw = key => Buffer.from(key.subarray(1))
    const { id: signedId, pair: signed, signature } = this.signed
    return {
      registrationId: this.registrationId,
      identity: raw(this.identity.pubKey),
      signed: { id: signedId, value: raw(signed.pubKey), signature: Buffer.from(signature) },
      preKey: { id, value: raw(pair.pubKey) }
    }
  }

  address(device) {
    return new this.signal.ProtocolAddress(device.account.phone, device.number)
  }

  /** Start anew with a device, from the keys that the server keeps for it or from those it sent. */
  async startSession(device, bundle = null, preKeyId = undefined) {
    const address = this.address(device)
    this.sessions.delete(address.toString())
    await new this.signal.SessionBuilder(this.storage, address).initOutgoing(bundle ?? this.fetched(device, preKeyId))
  }

  fetched(device, preKeyId) {
    const { signedPreKey, registrationId, identity } = device
    const preKey = device.takePreKey(preKeyId)
    const pub = value => this.signal.publicKey(value)
    return {
      registrationId,
      identityKey: pub(identity),
      signedPreKey: { keyId: signedPreKey.id, publicKey: pub(signedPreKey.value), signature: signedPreKey.signature },
      preKey: preKey ? { keyId: preKey.id, publicKey: pub(preKey.value) } : undefined
    }
  }

  /** One encrypted part for one device: {type, body}. */
  async encrypt(device, plain) {
    const address = this.address(device)
    if (!this.sessions.has(address.toString())) await this.startSession(device)
    const { type, body } = await new this.signal.SessionCipher(this.storage, address).encrypt(plain)
    return { type: type === 3 ? 'pkmsg' : 'msg', body: Buffer.from(body) }
  }

  async decrypt(device, type, body) {
    const cipher = new this.signal.SessionCipher(this.storage, this.address(device))
    return type === 'pkmsg' ? cipher.decryptPreKeyWhisperMessage(body) : cipher.decryptWhisperMessage(body)
  }

  groupName(group, sender) {
    return new this.signal.SenderKeyName(group, new this.signal.ProtocolAddress(sender, 0))
  }

  /** A group message: the sender key to hand to members, and the part that is the same for all of them. */
  async encryptForGroup(group, plain) {
    const name = this.groupName(group, this.number)
    const key = await new this.signal.GroupSessionBuilder(this.storage).create(name)
    const body = await new this.signal.GroupCipher(this.storage, name).encrypt(plain)
    return { key: key.serialize(), body: Buffer.from(body) }
  }

  async takeGroupKey(group, sender, raw) {
    const message = new this.signal.SenderKeyDistributionMessage(null, null, null, null, raw)
    await new this.signal.GroupSessionBuilder(this.storage).process(this.groupName(group, sender), message)
  }

  async decryptFromGroup(group, sender, body) {
    return new this.signal.GroupCipher(this.storage, this.groupName(group, sender)).decrypt(body)
  }

  get state() {
    const { number, lid, inbox, failures, sessions } = this
    return { number, lid, inbox, failures, sessions: [...sessions.keys()] }
  }
}
