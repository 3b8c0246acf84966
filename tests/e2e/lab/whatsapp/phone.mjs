// What the company's own phone sends to a device that was just linked; without it, Baileys holds messages back.
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { messageId, padded, part } from './delivery.mjs'
import { seconds } from './account.mjs'
import { node } from './nodes.mjs'

/** Hand over the key for app state, then a history that is empty. Only once for each device. */
export async function introduce(server, device) {
  if (device.introduced) return
  device.introduced = true
  const { ProtocolMessage } = server.B.proto.Message
  const { APP_STATE_SYNC_KEY_SHARE, HISTORY_SYNC_NOTIFICATION } = ProtocolMessage.Type
  await tell(server, device, { type: APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: { keys: [stateKey()] } })
  const historySyncNotification = await emptyHistory(server.B)
  await tell(server, device, { type: HISTORY_SYNC_NOTIFICATION, historySyncNotification })
}

function stateKey() {
  const keyId = Buffer.concat([Buffer.alloc(4), randomBytes(2)])
  const fingerprint = { rawId: 1, currentIndex: 1, deviceIndexes: [0, 1] }
  return { keyId: { keyId }, keyData: { keyData: randomBytes(32), fingerprint, timestamp: Date.now() } }
}

async function emptyHistory(B) {
  const syncType = B.proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP
  const raw = B.proto.HistorySync.encode({ syncType, progress: 100 }).finish()
  return { syncType, progress: 100, chunkOrder: 1, initialHistBootstrapInlinePayload: await promisify(deflate)(raw) }
}

async function tell(server, device, protocolMessage) {
  const { self } = device.account
  const sealed = await self.encrypt(device, padded(server.B, { protocolMessage }))
  const attrs = { from: self.pn, type: 'text', category: 'peer', id: messageId(), t: String(seconds()) }
  device.deliver(node('message', attrs, [part(sealed.type, sealed.body)]))
}
