// The jobs of BullMQ in the tests of features: benchmarks/rivals.py.
//
// `work` runs a worker; `storm NAME KEYS SECONDS RATE` and `probe NAME KEYS SECONDS` push as
// features/apps/storm.py does, `batches NAME COUNT SIZE` flows,
// `backlog NAME COUNT` jobs of a key each. Lines in BENCH_JOURNAL are those of features/apps/notes.py.

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { FlowProducer, Queue, Worker } from "bullmq";

const QUEUE = "bench";
const connection = { url: process.env.REDIS_URL };
const test = process.env.BENCH_TEST;
const seconds = Number(process.env.BENCH_SECONDS ?? "0.25");
const now = () => (performance.timeOrigin + performance.now()) / 1_000;

function note(what, ...words) {
  appendFileSync(
    process.env.BENCH_JOURNAL,
    `${what} ${now().toFixed(6)} ${process.env.BENCH_PROGRAM ?? "-"} ${words.join(" ")}\n`,
  );
}

async function run(job) {
  if (job.name === "tick") {
    // The id of a scheduler's job is repeat:NAME:MILLISECONDS, and so says for which tick it is.
    note("tick", Number(job.id.split(":").at(-1)) / 1_000);
    return;
  }
  const { key, ident } = job.data;
  if (job.name === "called") {
    note("called", key);
    return;
  }
  note("start", key, ident);
  await sleep(seconds * 1_000);
  note("end", key, ident);
}

async function work() {
  const worker = new Worker(QUEUE, run, {
    connection,
    concurrency: 4,
    removeOnComplete: { count: 0 },
    ...(test === "window" && { limiter: { max: 100, duration: 1_000 } }),
  });
  worker.on("error", (error) => console.error(error.message));
  worker.on("failed", (_, error) => console.error(error.message));
  const queue = new Queue(QUEUE, { connection });
  if (test === "slots") await queue.setGlobalConcurrency(5);
  if (test === "periodic") {
    const every = Number(process.env.BENCH_PERIOD) * 1_000;
    await queue.upsertJobScheduler("tick", { every }, { name: "tick" });
  }
}

async function push(queue, key, ident) {
  try {
    const options = { jobId: ident, deduplication: { id: key } };
    const job = await queue.add("task", { key, ident }, options);
    const taken = job.id === ident; // else it is the one that is there
    note(taken ? "taken" : "refused", key, ident);
    return taken;
  } catch (error) {
    note("unknown", key, ident, error.name);
    await sleep(200);
    return false;
  }
}

async function storm(name, keys, length, rate) {
  const queue = new Queue(QUEUE, { connection });
  const began = now();
  for (let number = 1; now() < began + length; number += 1) {
    await push(queue, `k${Math.floor(Math.random() * keys)}`, `${name}-${number}`);
    await sleep(Math.max(0, began + number / rate - now()) * 1_000);
  }
  await queue.close();
}

async function probe(name, keys, length) {
  const queue = new Queue(QUEUE, { connection });
  const began = now();
  let left = Array.from({ length: keys }, (_, each) => `k${each}`);
  for (let number = 1; left.length && now() < began + length; number += 1) {
    const refused = [];
    for (const key of left) {
      if (!(await push(queue, key, `${name}-${key}-${number}`))) refused.push(key);
    }
    left = refused;
    await sleep(500);
  }
  await queue.close();
}

async function backlog(name, count) {
  const queue = new Queue(QUEUE, { connection });
  for (let number = 0; number < count; number += 1) {
    await push(queue, `k${number}`, `${name}-${number}`);
  }
  await queue.close();
}

async function batches(_, count, size) {
  const flows = new FlowProducer({ connection });
  for (let number = 0; number < count; number += 1) {
    const key = `b${number}`;
    const children = Array.from({ length: size }, (_, each) => ({
      name: "member",
      queueName: QUEUE,
      data: { key, ident: `${key}-${each}` },
    }));
    try {
      await flows.add({ name: "called", queueName: QUEUE, data: { key }, children });
      note("batch", key);
    } catch (error) {
      note("unknown", key, key, error.name);
    }
    await sleep(250);
  }
  await flows.close();
}

const [what, name, ...figures] = process.argv.slice(2);
const programs = { work, storm, probe, backlog, batches };
await programs[what](name, ...figures.map(Number));
