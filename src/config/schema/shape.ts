import { z } from 'zod'

interface Common {
  readonly schema: z.ZodType
  readonly description: string | undefined
  /** What stands here, in words: `a duration`. */
  readonly wanted: string | undefined
  readonly example: string | undefined
  readonly notBuilt: boolean
  readonly required: boolean
  /** What counts when the key is left out. */
  readonly fallback: unknown
}

/** A schema as the loader and the reference read it: wrappers folded away, one kind each. */
export type Shape = Common & (
  | { readonly kind: 'object', readonly keys: ReadonlyMap<string, Shape> }
  | { readonly kind: 'record', readonly key: z.ZodType, readonly value: Shape }
  | { readonly kind: 'list', readonly element: Shape, readonly least: number }
  | { readonly kind: 'choice', readonly discriminator: string | undefined, readonly options: readonly Shape[] }
  | { readonly kind: 'leaf' }
)

const classic = (schema: unknown): z.ZodType => {
  if (schema instanceof z.ZodType) return schema
  throw new TypeError('the configuration schema uses something that shapeOf does not know')
}

const wordsOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined

/** Folds a zod schema into a {@link Shape}. */
export const shapeOf = <S extends z.ZodType>(schema: S): Shape & { readonly schema: S } => ({ ...fold(schema), schema })

const fold = (schema: z.ZodType): Shape => {
  const meta = schema.meta() ?? {}
  const own = {
    schema,
    description: wordsOf(meta.description),
    wanted: wordsOf(meta.wanted),
    example: wordsOf(meta.example),
    notBuilt: meta.notBuilt === true,
    required: true,
    fallback: undefined
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const inner = shapeOf(classic(schema.unwrap()))
    return {
      ...inner,
      description: own.description ?? inner.description,
      wanted: own.wanted ?? inner.wanted,
      example: own.example ?? inner.example,
      notBuilt: own.notBuilt || inner.notBuilt,
      required: false,
      fallback: schema instanceof z.ZodOptional ? undefined : schema.parse(undefined)
    }
  }
  if (schema instanceof z.ZodObject) {
    const keys = Object.entries(schema.shape).map(([key, value]) => [key, shapeOf(classic(value))] as const)
    return { ...own, kind: 'object', keys: new Map(keys) }
  }
  if (schema instanceof z.ZodRecord) {
    return { ...own, kind: 'record', key: classic(schema.keyType), value: shapeOf(classic(schema.valueType)) }
  }
  if (schema instanceof z.ZodArray) {
    // An empty list passes exactly where the schema asks for no least number of items.
    return { ...own, kind: 'list', element: shapeOf(classic(schema.element)), least: schema.safeParse([]).success ? 0 : 1 }
  }
  if (schema instanceof z.ZodUnion) {
    const discriminator = schema instanceof z.ZodDiscriminatedUnion ? schema.def.discriminator : undefined
    return { ...own, kind: 'choice', discriminator, options: schema.options.map(option => shapeOf(classic(option))) }
  }
  return { ...own, kind: 'leaf' }
}

/** The values that a leaf allows, where they are few: an enum's or a literal's. */
export const allowed = (shape: Shape): readonly string[] => {
  const { schema } = shape
  if (shape.kind === 'choice') return shape.options.flatMap(allowed)
  const inner = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? shapeOf(classic(schema.unwrap())).schema
    : schema
  if (inner instanceof z.ZodEnum) return inner.options.map(String)
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String)
  return []
}

/** What may stand in the same place, or below it without a key that is written there. */
const within = (shape: Shape): readonly Shape[] => {
  switch (shape.kind) {
    case 'record': return [shape.value]
    case 'list': return [shape.element]
    case 'choice': return shape.options
    default: return []
  }
}

const isLater = (shape: Shape): boolean => shape.notBuilt || within(shape).some(isLater)

/** The keys, wherever they stand, that may not be written yet, or not with all that the schema accepts there. */
export const laterKeys = (shape: Shape): ReadonlySet<string> => {
  const keys = shape.kind === 'object' ? [...shape.keys] : []
  return new Set([
    ...keys.flatMap(([key, child]) => isLater(child) ? [key] : []),
    ...[...keys.map(([, child]) => child), ...within(shape)].flatMap(child => [...laterKeys(child)])
  ])
}
