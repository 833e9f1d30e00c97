import t from 'tap'
import { amend, differing, type Table } from '../../src/config/table.ts'

interface Value { readonly said: string }

const value = (said: string): Value => Object.freeze({ said })

t.test('a table that was amended, and amended again, answers as one that was written anew', async t => {
  const first: Table<Value> = new Map(['a', 'b', 'c', 'd'].map(name => [name, value(`${name}1`)]))
  const second = amend(first, new Map([['b', value('b2')], ['d', value('d2')]]))
  const third = amend(second, new Map([['b', value('b3')], ['a', value('a3')]]))
  const said = (table: Table<Value>): string[] => [...table].map(([name, { said }]) => `${name}=${said}`)
  t.same(said(first), ['a=a1', 'b=b1', 'c=c1', 'd=d1'])
  t.same(said(second), ['a=a1', 'b=b2', 'c=c1', 'd=d2'])
  t.same(said(third), ['a=a3', 'b=b3', 'c=c1', 'd=d2'])
  const told: string[] = []
  third.forEach(({ said }, name, table) => { told.push(`${name}=${said}${table === third}`) })
  t.same(told, ['a=a3true', 'b=b3true', 'c=c1true', 'd=d2true'])
  t.same([...third.keys()], ['a', 'b', 'c', 'd'])
  t.same([...third.values()], [...third.entries()].map(([, value]) => value))
  t.same([third.size, third.has('b'), third.has('e'), third.get('b'), third.get('c'), third.get('e')], [4, true, false, value('b3'), value('c1'), undefined])
  t.equal(third.amended?.base, first, 'of one table, however often')
  t.equal(amend(third, new Map()), third)
  const fourth = amend(third, new Map([['e', value('e4')], ['f', value('f4')], ['a', undefined]]))
  t.same([said(fourth), fourth.size, fourth.has('a'), fourth.get('a'), fourth.has('f')], [['b=b3', 'c=c1', 'd=d2', 'e=e4', 'f=f4'], 5, false, undefined, true])
  const fifth = amend(fourth, new Map([['a', value('a5')], ['e', undefined], ['never', undefined]]))
  t.same([...fifth.amended?.values.keys() ?? []].sort(), ['a', 'b', 'd', 'f'], 'nothing is kept of what has come and gone')
  t.same([said(fifth), fifth.size, [...fifth.keys()], [...fifth.values()].length], [['a=a5', 'b=b3', 'c=c1', 'd=d2', 'f=f4'], 5, ['a', 'b', 'c', 'd', 'f'], 5])
})

t.test('differing: what another look at two tables, name by name, finds', async t => {
  const first: Table<Value> = new Map(['a', 'b', 'c', 'd'].map(name => [name, value(`${name}1`)]))
  const amended = amend(first, new Map([['b', value('b2')]]))
  const back = amend(amended, new Map([['b', first.get('b') ?? value('')]]))
  const anew: Table<Value> = new Map([...amended, ['e', value('e1')]])
  const fewer: Table<Value> = new Map([...anew].filter(([name]) => name !== 'a'))
  const tables = [first, amended, back, amend(back, new Map([['d', value('d2')], ['a', value('a2')]])), anew, amend(anew, new Map([['e', value('e2')]])), fewer, amend(back, new Map([['a', undefined], ['f', value('f2')]]))]
  for (const one of tables) {
    for (const other of tables) {
      const names = [...new Set([...one.keys(), ...other.keys()])].filter(name => one.get(name) !== other.get(name))
      t.same([...differing(one, other)].sort(), names.sort())
    }
    t.same(differing(undefined, one), [...one.keys()], 'all, where nothing was before')
  }
})
