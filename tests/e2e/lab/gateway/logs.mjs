// One log for all companies, as pino writes it: every line of a company's own carries its name.
//
// libsignal prints with `console`: those lines go to the same stdout, or to stderr, and name nobody.
export function makeLogger(require) {
  const pino = require('pino')
  return pino({ level: 'info' }, pino.destination({ fd: 1, sync: true }))
}

export const forCompany = (logger, company) => logger.child({ companyId: company })
