import t from 'tap'
import { instancesAsOne } from './instances.ts'

t.test('several processes of one machine share an SQLite file', t => instancesAsOne(t, '{ kind: sqlite, path: ../portico.db }'))
