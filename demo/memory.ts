import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Where a provider of the demo keeps its sessions and codes: in memory, gone when the demo ends. */
export const createMemory = (): ((model: string) => Adapter) => {
  const items = new Map<string, AdapterPayload>()
  return model => {
    const key = (id: string): string => `${model}:${id}`
    const findBy = (field: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
      for (const [name, payload] of items) {
        if (name.startsWith(`${model}:`) && payload[field] === value) return payload
      }
      return undefined
    }
    return {
      upsert: async (id, payload, expiresIn) => {
        items.set(key(id), payload)
        if (expiresIn !== undefined) setTimeout(() => { if (items.get(key(id)) === payload) items.delete(key(id)) }, expiresIn * 1_000).unref()
      },
      find: async id => items.get(key(id)),
      findByUid: async uid => findBy('uid', uid),
      findByUserCode: async code => findBy('userCode', code),
      consume: async id => {
        const payload = items.get(key(id))
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000)
      },
      destroy: async id => { items.delete(key(id)) },
      revokeByGrantId: async grant => {
        for (const [name, payload] of items) if (name.startsWith(`${model}:`) && payload.grantId === grant) items.delete(name)
      }
    }
  }
}
