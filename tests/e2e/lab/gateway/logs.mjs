// One log for all companies, as pino writes it: every line of a company's own carries its name.
//
// libsignal prints with `console`: those lines go to the same stdout, or to stderr, and name nobody.
export function makeLogger(require, level) {
  const pino = require('pino')
  return pino({ level }, pino.destination({ fd: 1, sync: true }))
}

export const forCompany = (logger, company) => logger.child({ companyId: company })
