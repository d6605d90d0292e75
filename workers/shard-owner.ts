// Entry of a home worker thread.

import { workerData } from 'node:worker_threads';
import { type HomeWorkerData, serveShards } from './home-loop.js';

serveShards(workerData as HomeWorkerData);
