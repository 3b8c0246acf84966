// What can go wrong between a client and WhatsApp.
import { Refused } from '../shared/http.mjs'
import { node } from './nodes.mjs'

const CONFLICTS = { device_removed: { code: '401' }, replaced: {} }

/** End a connection with a stream error: device_removed, replaced, or a code such as 503. */
export function streamError(connection, kind) {
  const conflict = CONFLICTS[kind]
  const content = conflict ? [node('conflict', { type: kind })] : undefined
  if (!conflict && !/^\d{3}$/.test(kind)) throw new Refused(400, `there is no stream error ${kind}`)
  connection.server.log('stream error', { kind })
  connection.end(node('stream:error', conflict ?? { code: kind }, content))
}

/** The phone removes its linked device: the login is dead for good. */
export function removeDevice(account) {
  const device = account.online ?? [...account.devices.values()].at(-1)
  if (!device) throw new Refused(409, 'this account has no linked device')
  account.unlink(device)
  if (device.connection) streamError(device.connection, 'device_removed')
}

/** Refuse a login, as WhatsApp does with `failure`. */
export function refuse(connection, reason) {
  connection.server.log('login refused', { reason })
  connection.end(node('failure', { reason: String(reason), location: 'lab' }))
}

/** From now on nothing is read or written on this account's connection, which stays open. */
export function silence(device) {
  device.connection.silent = true
}

export const drop = device => device.connection.socket.terminate()
