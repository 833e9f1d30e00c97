/** One of several processes over one store file: tells its parent what it got. Arguments: the file and how many items. */
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { takeAll } from './taking.ts'

const [path = '', count = '0'] = process.argv.slice(2)
process.send?.(await takeAll(createSqliteStore({ path }), Number(count)))
