// The jobs of BullMQ in the tests of features: benchmarks/rivals.py.
//
// `work` runs a worker; `storm NAME KEYS SECONDS RATE` and `probe NAME KEYS SECONDS` push as
// features/apps/storm.py does. Lines in BENCH_JOURNAL are those of features/apps/notes.py.

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Worker } from "bullmq";

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
  note("start", key, ident);
  await sleep(seconds * 1_000);
  note("end", key, ident);
}

async function work() {
  const worker = new Worker(QUEUE, run, {
    connection,
    concurrency: 4,
    removeOnComplete: { count: 0 },
  });
  worker.on("error", (error) => console.error(error.message));
  worker.on("failed", (_, error) => console.error(error.message));
  if (test === "periodic") {
    const queue = new Queue(QUEUE, { connection });
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

const [what, name, ...figures] = process.argv.slice(2);
const programs = { work, storm, probe };
await programs[what](name, ...figures.map(Number));
