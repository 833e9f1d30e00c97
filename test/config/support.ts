import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Loaded } from '../../src/config/load.ts'

/** A key for `keys:`, always the same for the same number. */
export const key = (seed: number): string => Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 7 + seed) % 256)).toString('base64')

/** Writes files below a folder: relative path to content. */
export const writeFiles = async (folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

const sorted = <V>(table: ReadonlyMap<string, V>): [string, V][] => [...table].sort(([one], [other]) => one < other ? -1 : 1)

/** A load with tables as sorted lists, whether they were amended or made anew, and in whatever order. */
export const comparable = ({ configuration, ...outcome }: Loaded): unknown => configuration === undefined
  ? outcome
  : {
      ...outcome,
      configuration: {
        ...configuration,
        organizations: sorted(configuration.organizations),
        connections: sorted(configuration.connections),
        domains: sorted(configuration.domains),
        loginHosts: sorted(configuration.loginHosts)
      }
    }
