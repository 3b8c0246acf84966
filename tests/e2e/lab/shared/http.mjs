// The smallest HTTP server that is of use here: routes by method and path, JSON in and out, loopback only.
import { createServer } from 'node:http'

const LARGEST_BODY = 1 << 20

/** An error with the status that the caller is to see. */
export class Refused extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** `routes` maps "GET /a/:b" to a function of {params, query, body, headers} that returns what is sent as JSON. */
export function serve(routes, { onError = () => {} } = {}) {
  const table = Object.entries(routes).map(([key, handler]) => ({ ...compiled(key), handler }))
  return createServer(async (request, response) => {
    try {
      reply(response, 200, await answer(table, request))
    } catch (error) {
      if (!error.status) onError(error)
      reply(response, error.status ?? 500, { success: false, error: error.message })
    }
  })
}

/** Listen on 127.0.0.1; resolves to the port. */
export function listen(server, port = 0) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server.address().port))
  })
}

function compiled(key) {
  const [method, path] = key.split(' ')
  const names = []
  const source = path.replace(/:(\w+)/g, (_, name) => (names.push(name), '([^/]+)'))
  return { method, names, pattern: new RegExp(`^${source}$`) }
}

async function answer(table, request) {
  const url = new URL(request.url, 'http://lab')
  for (const { method, names, pattern, handler } of table) {
    const match = method === request.method && pattern.exec(url.pathname)
    if (!match) continue
    const params = Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(match[i + 1])]))
    const query = Object.fromEntries(url.searchParams)
    const body = await bodyOf(request)
    return (await handler({ params, query, body, headers: request.headers })) ?? { success: true }
  }
  throw new Refused(404, 'no such endpoint')
}

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > LARGEST_BODY) throw new Refused(413, 'the body is too large')
  }
  if (!text) return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new Refused(400, 'the body is no JSON')
  }
}

function reply(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
