// Small helpers for WhatsApp's XML-like nodes.
export const children = (node, tag) =>
  Array.isArray(node?.content) ? node.content.filter(child => !tag || child.tag === tag) : []

export const child = (node, tag) => children(node, tag)[0]

export const bytes = node => (node?.content ? Buffer.from(node.content) : null)

export const uint = node => {
  const raw = bytes(node)
  return raw ? raw.readUIntBE(0, raw.length) : null
}

export const node = (tag, attrs = {}, content = undefined) => ({ tag, attrs, content })

/** A number as so many bytes. */
export function bigEndian(value, length) {
  const raw = Buffer.alloc(length)
  raw.writeUIntBE(value, 0, length)
  return raw
}

/** user, device and server of `user:device@server`. */
export function jidParts(jid) {
  const [, user, device, server] = /^([^:@]+)(?::(\d+))?@(.+)$/.exec(jid) ?? []
  return { user, device: Number(device ?? 0), server }
}
