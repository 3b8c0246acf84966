// Messages both ways between contacts and companies, with what happens when one cannot be read.
import { randomBytes } from 'node:crypto'
import { Refused } from '../shared/http.mjs'
import { seconds } from './account.mjs'
import { bytes, child, children, jidParts, node, uint } from './nodes.mjs'

const LOW = 5

export const messageId = () => `3EB0${randomBytes(8).toString('hex').toUpperCase()}`
export const part = (type, body, more = {}) => node('enc', { v: '2', type, ...more }, body)

export function padded(B, message) {
  const count = (randomBytes(1)[0] & 15) || 15
  return Buffer.concat([Buffer.from(B.proto.Message.encode(message).finish()), Buffer.alloc(count, count)])
}

/** Who a stanza says it comes from: number or LID, with the other one beside it if the contact shows it. */
function sender(contact, group) {
  const [key, other] = group ? ['participant', 'participant'] : ['from', 'sender']
  const lid = (group ?? contact).addressing === 'lid'
  const byLid = { [`${other}_pn`]: contact.pn, addressing_mode: 'lid' }
  const alternative = lid ? byLid : { [`${other}_lid`]: contact.lidJid }
  return { [key]: lid ? contact.lidJid : contact.pn, ...(lid || contact.showsLid ? alternative : {}) }
}

function stanza(contact, id, content, group) {
  const from = { ...(group ? { from: group.id } : {}), ...sender(contact, group) }
  const about = { type: 'text', id, notify: `Contact ${contact.number}`, t: String(seconds()) }
  return node('message', { ...from, ...about }, content)
}

function target(server, phone) {
  const account = server.account(phone)
  const device = account.online ?? [...account.devices.values()].at(-1)
  if (!device) throw new Refused(409, 'this phone has no linked device')
  return device
}

/** A contact writes to a company. */
export async function send(server, { phone, from, text }) {
  const [contact, device] = [server.contact(from), target(server, phone)]
  const sealed = await contact.encrypt(device, padded(server.B, { conversation: text }))
  const id = messageId()
  contact.sent.set(id, { text })
  device.deliver(stanza(contact, id, [part(sealed.type, sealed.body)]))
  runningLow(device)
  return { id, type: sealed.type }
}

/** A contact takes a company's keys and writes later: by then the company may have others under the same number. */
export async function meet(server, { phone, from, preKey }) {
  const [contact, device] = [server.contact(from), target(server, phone)]
  await contact.startSession(device, null, preKey)
  return { preKey: device.handedOut.at(-1) }
}

/** A contact writes into a group, and tells the group key that it uses. */
export async function sendToGroup(server, { phone, from, group, text }) {
  const [contact, device] = [server.contact(from), target(server, phone)]
  const room = server.group(group)
  room.members.add(from)
  const sealed = await contact.encryptForGroup(group, padded(server.B, { conversation: text }))
  const content = [await groupKeyPart(server, contact, device, group, sealed.key), part('skmsg', sealed.body)]
  const id = messageId()
  contact.sent.set(id, { text, group, key: sealed.key })
  device.deliver(stanza(contact, id, content, room))
  return { id }
}

const distribution = (groupId, key) =>
  ({ senderKeyDistributionMessage: { groupId, axolotlSenderKeyDistributionMessage: key } })

async function groupKeyPart(server, contact, device, group, key) {
  const sealed = await contact.encrypt(device, padded(server.B, distribution(group, key)))
  return part(sealed.type, sealed.body)
}

/** Tell a client, once until it uploads some, that the server runs out of its one-time keys, as WhatsApp does. */
export function runningLow(device) {
  if (device.preKeys.size >= LOW || !device.connection || device.toldLow) return
  device.toldLow = true
  const attrs = { from: '@s.whatsapp.net', type: 'encrypt', id: `low-${Date.now()}`, t: String(seconds()) }
  device.connection.send(node('notification', attrs, [node('count', { value: String(device.preKeys.size) })]))
}

/** The company could not read a message: send it again, from new keys if it sent some. */
export async function retry(server, device, receipt) {
  const contact = server.contactOf(receipt.attrs.participant ?? receipt.attrs.to)
  const asked = child(receipt, 'retry')?.attrs ?? {}
  server.log('retry', { count: asked.count, keys: Boolean(child(receipt, 'keys')) })
  device.acknowledged(asked.id)
  const message = contact?.sent.get(asked.id)
  if (!message || !contact.answersRetries) return
  if (child(receipt, 'keys')) await contact.startSession(device, keysOf(contact, receipt))
  const room = message.group ? server.group(message.group) : undefined
  const content = { conversation: message.text, ...(message.group ? distribution(message.group, message.key) : {}) }
  const sealed = await contact.encrypt(device, padded(server.B, content))
  device.deliver(stanza(contact, asked.id, [part(sealed.type, sealed.body, { count: asked.count })], room))
}

function keysOf(contact, receipt) {
  const keys = child(receipt, 'keys')
  const [one, signed] = [child(keys, 'key'), child(keys, 'skey')]
  const pub = of => contact.signal.publicKey(bytes(of))
  return {
    registrationId: uint(child(receipt, 'registration')),
    identityKey: pub(child(keys, 'identity')),
    signedPreKey: {
      keyId: uint(child(signed, 'id')),
      publicKey: pub(child(signed, 'value')),
      signature: bytes(child(signed, 'signature'))
    },
    preKey: one ? { keyId: uint(child(one, 'id')), publicKey: pub(child(one, 'value')) } : undefined
  }
}

/** A company's client sends a message: every contact it is for tries to read it. */
export async function arrived(server, device, message) {
  const { id, to } = message.attrs
  const ack = { class: 'message', id, from: to, t: String(seconds()) }
  device.connection?.send(node('ack', ack))
  const direct = children(child(message, 'participants'), 'to').map(one => [one.attrs.jid, children(one, 'enc')])
  const group = server.groups.has(to) ? to : null
  const parts = new Map(group ? [...server.groups.get(to).members].map(n => [server.contact(n).lidJid, []]) : [])
  for (const [jid, encs] of direct) parts.set(jid, encs)
  if (!group && !direct.length) parts.set(message.attrs.participant ?? to, children(message, 'enc'))
  for (const [jid, encs] of parts) {
    const contact = jidParts(jid).device ? null : server.contactOf(jid)
    if (contact) await read(server, device, contact, { id, group, encs, shared: children(message, 'enc') })
  }
}

async function read(server, device, contact, { id, group, encs, shared }) {
  try {
    const texts = []
    for (const enc of encs) texts.push(await readPart(server, device, contact, group, enc))
    for (const enc of group ? shared : []) texts.push(await readPart(server, device, contact, group, enc))
    const text = texts.find(Boolean)
    if (text) contact.inbox.push({ from: device.account.phone, id, group, text })
    const from = group ? { from: group, participant: contact.lidJid } : { from: contact.pn }
    device.connection?.send(node('receipt', { id, t: String(seconds()), ...from }))
  } catch (error) {
    contact.failures.push({ from: device.account.phone, id, group, error: error.message })
  }
}

async function readPart(server, device, contact, group, enc) {
  const [body, { type }] = [bytes(enc), enc.attrs]
  const raw = type === 'skmsg'
    ? await contact.decryptFromGroup(group, device.account.lid, body)
    : await contact.decrypt(device, type, body)
  const message = server.B.proto.Message.decode(server.B.unpadRandomMax16(raw))
  const key = message.senderKeyDistributionMessage
  if (key) await contact.takeGroupKey(key.groupId, device.account.lid, key.axolotlSenderKeyDistributionMessage)
  const own = message.deviceSentMessage?.message ?? message
  return own.conversation || own.extendedTextMessage?.text
}

/** An acknowledgement from a client; retry receipts are dealt with apart. */
export function receipt(device, received) {
  device.acknowledged(received.attrs.id)
  for (const item of children(child(received, 'list'), 'item')) device.acknowledged(item.attrs.id)
}

/** After a login: what could not be delivered before, then the word that this was all. */
export function deliverWaiting(device) {
  const waiting = [...device.waiting.values()]
  device.ready = true
  for (const stanza of waiting) device.connection.send({ ...stanza, attrs: { ...stanza.attrs, offline: '1' } })
  device.connection.send(node('ib', { from: 's.whatsapp.net' }, [node('offline', { count: String(waiting.length) })]))
}

export const isRetry = received => received.attrs.type === 'retry'
