// The stand-in WhatsApp: accounts, contacts and groups, and what happens to each node that comes in.
import { Account, seconds } from './account.mjs'
import { Connection } from './connection.mjs'
import { Contact } from './contact.mjs'
import * as delivery from './delivery.mjs'
import { makeIdentity } from './noise.mjs'
import { child, jidParts, node } from './nodes.mjs'
import * as pairing from './pairing.mjs'
import { answer } from './queries.mjs'
import { refuse, streamError } from './troubles.mjs'

const OFFLINE_MS = 50 // after `success` the client is busy with its own queries

export class WhatsApp {
  constructor({ B, signal, older, log }) {
    Object.assign(this, { B, signal, older, log })
    this.identity = makeIdentity(B)
    this.connections = new Set()
    this.accounts = new Map()
    this.contacts = new Map()
    this.groups = new Map()
  }

  /** 6.x writes its nodes with another dictionary; the fourth byte of the greeting tells. */
  codecFor(dictionary) {
    if (dictionary === 3) return this.B
    if (!this.older) throw new Error('a client with the older dictionary came, but Baileys 6 was not given')
    return this.older
  }

  connect(socket) {
    this.connections.add(new Connection(this, socket))
  }

  gone(connection) {
    this.connections.delete(connection)
    if (connection.device?.connection === connection) connection.device.connection = null
  }

  account(phone) {
    if (!this.accounts.has(phone)) this.accounts.set(phone, new Account(this.B, phone, new Contact(this.signal, phone)))
    return this.accounts.get(phone)
  }

  contact(number) {
    if (!this.contacts.has(number)) this.contacts.set(number, new Contact(this.signal, number))
    return this.contacts.get(number)
  }

  group(id) {
    if (!this.groups.has(id)) this.groups.set(id, { id, members: new Set(), addressing: 'lid' })
    return this.groups.get(id)
  }

  /** The contact behind a number or LID, also the phone of one of our accounts. */
  contactOf(jid) {
    const { user } = jidParts(jid)
    const people = [...this.contacts.values(), ...[...this.accounts.values()].map(account => account.self)]
    return people.find(contact => contact.number === user || contact.lid === user)
  }

  /** Whoever hands out keys under this address: a linked device of an account, or a contact's phone. */
  keeperOf(jid) {
    const { device } = jidParts(jid)
    return device ? this.accountOf(jid)?.devices.get(device) : this.contactOf(jid)
  }

  accountOf(jid) {
    const { user } = jidParts(jid)
    return [...this.accounts.values()].find(account => account.phone === user || account.lid === user)
  }

  /** The handshake is over: the client wants to be linked or to log in. */
  entered(connection, payload) {
    if (connection.registration) return pairing.offer(connection)
    const account = this.accounts.get(String(payload.username))
    const device = account?.devices.get(payload.device ?? 0)
    if (account?.refusal) return refuse(connection, account.refusal)
    if (!device?.noiseKey.equals(connection.noiseKey)) return refuse(connection, 401)
    return this.login(connection, device)
  }

  login(connection, device) {
    const before = device.connection
    Object.assign(connection, { device })
    Object.assign(device, { connection, ready: false, toldLow: false })
    device.logins++
    this.log('login', { device: device.number, second: Boolean(before) })
    if (before) streamError(before, 'replaced')
    connection.send(node('success', { t: String(seconds()), props: '27', lid: device.lidJid, location: 'lab' }))
    setTimeout(() => connection.usable && delivery.deliverWaiting(device), OFFLINE_MS)
  }

  async received(connection, received) {
    await HANDLERS[received.tag]?.(this, connection, received)
  }
}

const HANDLERS = {
  iq: (server, connection, received) => {
    if (received.attrs.type !== 'result') return answer(server, connection, received)
    return child(received, 'pair-device-sign') ? pairing.confirmed(server, connection) : undefined
  },
  message: (server, { device }, received) => delivery.arrived(server, device, received),
  ack: (_server, { device }, received) => device?.acknowledged(received.attrs.id),
  receipt: (server, { device }, received) =>
    delivery.isRetry(received) ? delivery.retry(server, device, received) : delivery.receipt(device, received)
}
