import { PorticoError } from '../errors.ts'
import type { Store } from './store.ts'

/** The same store; `failed` is called for each call that it did not answer. */
export const observeStore = (store: Store, failed: () => void): Store => {
  const observe = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    try {
      return await call(...args)
    } catch (error) {
      if (error instanceof PorticoError && error.code === 'PORTICO_STORE_UNAVAILABLE') failed()
      throw error
    }
  }
  return {
    put: observe(store.put),
    putIfAbsent: observe(store.putIfAbsent),
    get: observe(store.get),
    take: observe(store.take),
    claimMember: observe(store.claimMember),
    foreseeClaim: observe(store.foreseeClaim),
    memberById: observe(store.memberById),
    membersByEmail: observe(store.membersByEmail),
    membersBySubject: observe(store.membersBySubject),
    listMembers: observe(store.listMembers),
    blockMember: observe(store.blockMember),
    unblockMember: observe(store.unblockMember),
    freeSubject: observe(store.freeSubject),
    eraseMember: observe(store.eraseMember),
    recordLastSeen: observe(store.recordLastSeen),
    lastSeen: observe(store.lastSeen),
    addRevocation: observe(store.addRevocation),
    adoptTrust: observe(store.adoptTrust),
    changesSince: observe(store.changesSince),
    watch: store.watch,
    restore: observe(store.restore),
    addSession: observe(store.addSession),
    sessionsOf: observe(store.sessionsOf),
    sessionById: observe(store.sessionById),
    listSessions: observe(store.listSessions),
    removeSessions: observe(store.removeSessions),
    putIdentity: observe(store.putIdentity),
    identity: observe(store.identity),
    addApiKey: observe(store.addApiKey),
    findApiKey: observe(store.findApiKey),
    apiKeyById: observe(store.apiKeyById),
    apiKeys: observe(store.apiKeys),
    rehashApiKey: observe(store.rehashApiKey),
    recordApiKeyUse: observe(store.recordApiKeyUse),
    removeApiKeys: observe(store.removeApiKeys),
    apiKeyConnections: observe(store.apiKeyConnections),
    apiKeysThrough: observe(store.apiKeysThrough),
    ping: observe(store.ping),
    sweep: observe(store.sweep),
    close: observe(store.close)
  }
}
