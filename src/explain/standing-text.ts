import type { Configuration, Connection } from '../config/configuration.ts'
import { dateText } from '../config/dates.ts'
import { standingOf } from '../config/standing.ts'
import type { Decider } from './step.ts'

/** How a connection stands at `now` (seconds) and what changes later, in words. */
export const standingText = (connection: Connection, now: number): string => {
  const { activateAt, replacedBy, clientSecretExpires } = connection
  const standing = standingOf(connection, now)
  const isReplaced = connection.status !== 'disabled' && standing === 'disabled'
  const dates = [...new Set([activateAt, replacedBy?.activateAt].filter(date => date !== undefined))].filter(date => date > now).sort((one, other) => one - other)
  const later = dates.map(date => {
    const then = standingOf(connection, date)
    return then === 'disabled' && replacedBy !== undefined ? `replaced by ${replacedBy.id} from ${dateText(date)} on` : `${then} from ${dateText(date)} on`
  })
  return [
    isReplaced ? `off, replaced by ${replacedBy?.id ?? ''}` : standing,
    ...later,
    ...clientSecretExpires !== undefined && clientSecretExpires <= now ? [`its client secret expired on ${dateText(clientSecretExpires)}: expect the provider to refuse it`] : []
  ].join(', ')
}

/** The setting that a connection's standing at `now` (seconds) comes from. */
export const standingDecider = (configuration: Configuration, connection: Connection, now: number): Decider => {
  const { id, location: { file }, status, activateAt, replacedBy } = connection
  const heir = replacedBy === undefined ? undefined : configuration.connections.get(replacedBy.id)
  if (status !== 'disabled' && heir !== undefined && standingOf(connection, now) === 'disabled') {
    return { file: heir.location.file, path: ['connections', heir.id, 'replaces'] }
  }
  const key = status !== 'disabled' && activateAt !== undefined ? 'activate_at' : 'status'
  return { file, path: ['connections', id, key] }
}
