import { PorticoError } from '../../errors.ts'

/** By the word that Redis begins an error with, or by the code of a socket. */
const causes: Readonly<Record<string, { readonly got: string, readonly remedy: string } | undefined>> = {
  WRONGPASS: { got: 'a user name or password that it does not know', remedy: 'Correct store.username and store.password, or the URL.' },
  NOAUTH: { got: 'the demand for a password', remedy: 'Set store.password, and store.username where it is not the default user.' },
  NOPERM: { got: 'a user that may not do that', remedy: 'Give the ACL user what docs/store.md lists.' },
  OOM: { got: 'a Redis whose memory is full', remedy: 'Raise its maxmemory. Its maxmemory-policy must be noeviction.' },
  MISCONF: { got: 'a Redis that cannot save to its disk', remedy: 'See the log of Redis: its disk is full, or read-only.' },
  LOADING: { got: 'a Redis that is still loading its data', remedy: 'Wait until it has.' },
  READONLY: { got: 'a replica', remedy: 'Point store at the master, or name the Sentinels.' },
  MASTERDOWN: { got: 'a replica without its master', remedy: 'Bring the master back, or let a replica take its place.' },
  NOREPLICAS: { got: 'a master without the replicas that it must have', remedy: 'Bring the replicas back, or lower min-replicas-to-write.' },
  CLUSTERDOWN: { got: 'a Cluster in which nobody answers for a part of the keys', remedy: 'Bring its nodes back; see cluster info.' },
  MOVED: { got: 'a node of a Cluster', remedy: 'Name it under store.cluster instead of store.url.' },
  BUSY: { got: 'a Redis that is busy with a script', remedy: 'See which with slowlog get; scripts of Portico take milliseconds.' },
  ECONNREFUSED: { got: 'nobody who listens there', remedy: 'Start Redis, or correct the address.' },
  ENOTFOUND: { got: 'a host name that does not exist', remedy: 'Correct the host name.' },
  EAI_AGAIN: { got: 'a name server that does not answer', remedy: 'See the name servers of this machine.' },
  ETIMEDOUT: { got: 'no answer', remedy: 'See whether Redis runs, and what is between.' },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { got: 'a certificate of an authority that is not trusted', remedy: 'Name the authority under store.tls.ca.' },
  SELF_SIGNED_CERT_IN_CHAIN: { got: 'a certificate of an authority that is not trusted', remedy: 'Name the authority under store.tls.ca.' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { got: 'a certificate that nobody but itself signed', remedy: 'Name it under store.tls.ca.' },
  ERR_TLS_CERT_ALTNAME_INVALID: { got: 'a certificate of another name', remedy: 'Use the name that it has, or set store.tls.server_name.' },
  CERT_HAS_EXPIRED: { got: 'a certificate that has expired', remedy: 'Renew the certificate of Redis.' }
}

/** Errors after which nothing better can be expected of the next command: the way to Redis is down until it answers again. */
const downs: ReadonlySet<string> = new Set(['LOADING', 'READONLY', 'MASTERDOWN', 'NOREPLICAS', 'CLUSTERDOWN', 'ETIMEDOUT'])

/** What an error is about: Redis's own first word, the code of a socket, or what ioredis calls it. */
const wordOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string') return code
  const [first = ''] = error.message.split(' ', 1)
  return /^[A-Z]{3,}$/.test(first) ? first : /timed?.?out/i.test(error.message) ? 'ETIMEDOUT' : error.name
}

/** What is said of an error that no line above knows. Redis repeats arguments in some: what follows them is left out. */
const described = (error: unknown): string => {
  if (!(error instanceof Error)) return 'an unknown failure'
  if (/Connection is closed|n't writeable|n't ready|max retries per request/.test(error.message)) return 'a connection that was cut off'
  return error.message.replace(/,? with args.*$/s, '').replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}

/** What is thrown when an answer is not waited for any more. */
export const silence = (): Error => Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })

export const isSilence = (error: unknown): boolean => wordOf(error) === 'ETIMEDOUT'

/** Whether the failure is one of the way to Redis, and not of one command. */
export const isOfTheWay = (error: unknown): boolean =>
  downs.has(wordOf(error)) || !(error instanceof Error && error.name === 'ReplyError')

/** Whether Redis takes nothing that is written, as a replica. */
export const refusesWrites = (error: unknown): boolean => ['READONLY', 'NOREPLICAS'].includes(wordOf(error))

/**
 * PORTICO_STORE_UNAVAILABLE for whatever ioredis threw, without it as its cause: ioredis keeps the command there,
 * with its arguments. `where` names the addresses.
 */
export const redisFailure = (error: unknown, where: string): PorticoError => {
  if (error instanceof PorticoError) return error
  const known = causes[wordOf(error)]
  return new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: `Redis at ${where}`, got: known?.got ?? described(error), remedy: known?.remedy })
}
