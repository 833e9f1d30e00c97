import { parentPort } from 'node:worker_threads'
import { judge } from './judge.ts'
import type { Task } from './verifier.ts'

/** The verifying worker (decision 0012): one message after the other, whatever is in it. */
parentPort?.on('message', (task: Task) => { parentPort?.postMessage(judge(task)) })
parentPort?.postMessage('ready')
