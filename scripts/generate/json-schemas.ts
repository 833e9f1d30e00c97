import { z } from 'zod'
import { organization } from '../../src/config/schema/organization.ts'
import { portico } from '../../src/config/schema/portico.ts'

const toJson = (schema: z.ZodType, title: string): string => {
  const json = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    // Repeated definitions are written out: editors show their descriptions better so.
    reused: 'inline',
    override: ({ jsonSchema }) => {
      if (jsonSchema.notBuilt === true) jsonSchema.description = `Not built yet. ${jsonSchema.description ?? ''}`.trim()
      if (jsonSchema.example !== undefined) jsonSchema.examples = [jsonSchema.example]
      for (const own of ['notBuilt', 'wanted', 'example']) delete jsonSchema[own]
    }
  })
  return `${JSON.stringify({ ...json, title }, null, 2)}\n`
}

/** JSON Schemas (draft-07) for editors: path to content. */
export const jsonSchemas = (): [string, string][] => [
  ['config/schema/portico.json', toJson(portico, 'Portico: the main file')],
  ['config/schema/organization.json', toJson(organization, 'Portico: an organization')]
]
