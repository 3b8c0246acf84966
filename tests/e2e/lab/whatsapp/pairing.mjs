// How a new device is linked: by the QR that a phone scans, or by the code that is typed into it.
import { randomBytes } from 'node:crypto'
import { Refused } from '../shared/http.mjs'
import { seconds } from './account.mjs'
import { bytes, child, jidParts, node } from './nodes.mjs'
import { streamError } from './troubles.mjs'

const REFS = 6

/** Offer texts for QRs to a client that has no login; it shows one after the other. */
export function offer(connection) {
  const ref = () => node('ref', {}, Buffer.from(`2@lab${randomBytes(40).toString('base64')}`))
  const content = [node('pair-device', {}, Array.from({ length: REFS }, ref))]
  connection.send(node('iq', { from: 's.whatsapp.net', type: 'set', id: `offer-${Date.now()}`, xmlns: 'md' }, content))
}

/** The parts of a QR's text. Both of its shapes are known: bare, and behind a web address. */
const partsOf = qr => String(qr).trim().replace(/^.*#/, '').split(',')

/** The client that shows this QR. */
export function offeredBy(server, qr) {
  const key = Buffer.from(partsOf(qr)[1] ?? '', 'base64')
  const connection = [...server.connections].find(c => c.registration && c.usable && c.noiseKey.equals(key))
  if (!connection) throw new Refused(409, 'this QR is not on offer (any more)')
  return connection
}

/** A phone scans a QR. */
export function scan(server, { qr, phone, spoiled = false }) {
  const connection = offeredBy(server, qr)
  const [, , identity, secret] = partsOf(qr)
  const found = { identity: Buffer.from(identity, 'base64'), secret: Buffer.from(secret, 'base64') }
  return vouch(server, connection, phone, found, spoiled)
}

function vouch(server, connection, phone, { identity, secret }, spoiled = false) {
  const account = server.account(phone)
  const device = account.link(identity, connection.noiseKey, connection.registration)
  const content = [
    node('device-identity', {}, account.voucher(identity, device.number, secret, spoiled)),
    node('device', { jid: device.jid, lid: device.lidJid }),
    node('platform', { name: 'android' })
  ]
  const success = node('pair-success', { t: String(seconds()) }, content)
  connection.linking = device
  connection.send(node('iq', { from: 's.whatsapp.net', type: 'set', id: `pair-${Date.now()}` }, [success]))
  server.log('linked', { phone, device: device.number })
  return { device: device.number }
}

/** The client has signed, too: from here on it must come back with its login. */
export function confirmed(server, connection) {
  server.log('paired', { device: connection.linking.number })
  connection.registration = null
  streamError(connection, '515')
}

/** The client asks for pairing by code: keep what the phone will need. */
export function hello(server, connection, request) {
  const wrapped = bytes(child(request, 'link_code_pairing_wrapped_companion_ephemeral_pub'))
  connection.code = { phone: jidParts(request.attrs.jid).user, wrapped, ref: randomBytes(16) }
  const content = [node('link_code_pairing_ref', {}, connection.code.ref)]
  return [node('link_code_companion_reg', { stage: 'companion_hello' }, content)]
}

async function unwrap(B, code, wrapped) {
  const key = await B.derivePairingCodeKey(code, wrapped.subarray(0, 32))
  return B.aesDecryptCTR(wrapped.subarray(48, 80), key, wrapped.subarray(32, 48))
}

async function wrap(B, code, value) {
  const [salt, iv] = [randomBytes(32), randomBytes(16)]
  return Buffer.concat([salt, iv, B.aesEncryptCTR(value, await B.derivePairingCodeKey(code, salt), iv)])
}

/** Somebody types a code into the phone. A wrong code ends as it does with WhatsApp: nothing is linked. */
export async function enterCode(server, { code, phone }) {
  const { B } = server
  const connection = [...server.connections].find(c => c.usable && c.code?.phone === phone)
  if (!connection) throw new Refused(409, 'no client asked for a code for this phone')
  const pending = connection.code
  const typed = code.replace(/-/g, '').toUpperCase()
  pending.theirs = await unwrap(B, typed, pending.wrapped)
  pending.ephemeral = B.Curve.generateKeyPair()
  const content = [
    node('link_code_pairing_ref', {}, pending.ref),
    node('primary_identity_pub', {}, server.account(phone).key.public),
    node('link_code_pairing_wrapped_primary_ephemeral_pub', {}, await wrap(B, typed, pending.ephemeral.public))
  ]
  const attrs = { from: 's.whatsapp.net', type: 'link_code_companion_reg', id: `code-${Date.now()}` }
  const greeting = node('link_code_companion_reg', { stage: 'primary_hello' }, content)
  connection.send(node('notification', { ...attrs, t: String(seconds()) }, [greeting]))
}

/** The client's last word: both sides now share the secret by which the phone vouches. */
export function finish(server, connection, request) {
  const { B } = server
  const { phone, theirs, ephemeral } = connection.code
  const bundle = bytes(child(request, 'link_code_pairing_wrapped_key_bundle'))
  const identity = bytes(child(request, 'companion_identity_public'))
  const shared = B.Curve.sharedKey(ephemeral.private, theirs)
  const info = 'link_code_pairing_key_bundle_encryption_key'
  const key = Buffer.from(B.hkdf(shared, 32, { salt: bundle.subarray(0, 32), info }))
  const random = opened(B, bundle, key).subarray(64, 96)
  const identities = B.Curve.sharedKey(server.account(phone).key.private, identity)
  const secret = B.hkdf(Buffer.concat([shared, identities, random]), 32, { info: 'adv_secret' })
  vouch(server, connection, phone, { identity, secret: Buffer.from(secret) })
}

function opened(B, bundle, key) {
  try {
    return B.aesDecryptGCM(bundle.subarray(44), key, bundle.subarray(32, 44), Buffer.alloc(0))
  } catch {
    throw new Refused(409, 'the code was wrong')
  }
}
