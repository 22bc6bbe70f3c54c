// The no-op job of BullMQ: `push N` adds so many in bulk, `work` runs a worker.
//
// BENCH_PROCESSES processes run BENCH_CONCURRENCY jobs at once each. With BENCH_LOG they write
// two lines for a job by pino, as it comes: BullMQ itself writes none.

import cluster from "node:cluster";
import { Queue, Worker } from "bullmq";
import pino from "pino";

const QUEUE = "bench";
const BULK = 1_000; // jobs that one call adds

const connection = { url: process.env.REDIS_URL };
const processes = Number(process.env.BENCH_PROCESSES);
const concurrency = Number(process.env.BENCH_CONCURRENCY);

async function push(jobs) {
  const queue = new Queue(QUEUE, { connection });
  for (let first = 0; first < jobs; first += BULK) {
    const length = Math.min(BULK, jobs - first);
    await queue.addBulk(
      Array.from({ length }, (_, at) => ({ name: "noop", data: { number: first + at } })),
    );
  }
  await queue.close();
}

function work() {
  // Its default keeps each finished job for ever. The others here keep none.
  const options = { connection, concurrency, removeOnComplete: { count: 0 } };
  const worker = new Worker(QUEUE, async () => {}, options);
  worker.on("error", (error) => console.error(error));
  worker.on("failed", (_, error) => console.error(error));
  if (process.env.BENCH_LOG) log(worker, pino());
  process.once("SIGTERM", () => worker.close());
}

function log(worker, logger) {
  worker.on("active", ({ id, name, queueName }) => {
    logger.info({ jid: id, class: name, queue: queueName }, "start");
  });
  worker.on("completed", ({ id, name, queueName, processedOn, finishedOn }) => {
    const elapsed = (finishedOn - processedOn) / 1_000;
    logger.info({ jid: id, class: name, queue: queueName, elapsed }, "done");
  });
}

const [task, jobs] = process.argv.slice(2);
if (task === "push") {
  await push(Number(jobs));
} else if (cluster.isPrimary && processes > 1) {
  for (let each = 0; each < processes; each += 1) cluster.fork();
} else {
  work();
}
