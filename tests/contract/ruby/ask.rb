# A Ruby program that does what it is asked: pushes, reads by Sidekiq's API, fetches its web pages. Each
# line of its input is a JSON list, the name of an answer below and its arguments; it writes one line of
# JSON for each: {"answer": ...} or {"error": "..."}.

ANSWERS = $stdout.dup
ANSWERS.sync = true
$stdout.reopen($stderr) # Sidekiq logs there

require_relative "app"
require "rack"
require "rack/mock"
require "sidekiq/api"
require "sidekiq/web"

module Answers
  module_function

  def version
    Sidekiq::VERSION
  end

  # Pushing

  def push(item)
    Sidekiq::Client.push(item)
  end

  def push_bulk(item)
    Sidekiq::Client.push_bulk(item)
  end

  def perform_async(name, options, *args)
    Object.const_get(name).set(options.transform_keys(&:to_sym)).perform_async(*args)
  end

  def perform_in(name, delay, *args)
    Object.const_get(name).perform_in(delay, *args)
  end

  def push_with_attributes(attributes, item)
    Current.set(attributes.transform_keys(&:to_sym)) { Sidekiq::Client.push(item) }
  end

  # Reading

  def stats
    found = Sidekiq::Stats.new
    history = Sidekiq::Stats::History.new(1)
    {
      processed: found.processed, failed: found.failed, enqueued: found.enqueued,
      scheduled: found.scheduled_size, retries: found.retry_size, dead: found.dead_size,
      processes: found.processes_size, busy: found.workers_size, queues: found.queues,
      latency: found.default_queue_latency, today: history.processed.values.first,
      failed_today: history.failed.values.first
    }
  end

  def queues
    Sidekiq::Queue.all.to_h { |queue| [queue.name, {size: queue.size, latency: queue.latency}] }
  end

  def queue(name)
    Sidekiq::Queue.new(name).map { |job| shown(job) }
  end

  def set(name)
    sorted(name).map { |entry| shown(entry).merge(at: entry.at.to_f, error: entry["error_message"]) }
  end

  def find(name, jid)
    entry = sorted(name).find_job(jid)
    entry && shown(entry).merge(at: entry.at.to_f, error: entry["error_message"])
  end

  def act(name, jid, deed, *args)
    sorted(name).find_job(jid).public_send(deed, *args)
    true
  end

  def processes
    Sidekiq::ProcessSet.new.map do |process|
      {
        identity: process.identity, tag: process.tag, labels: process.labels, queues: process["queues"],
        concurrency: process["concurrency"], busy: process["busy"], quiet: process["quiet"],
        started_at: process["started_at"], beat: process["beat"]
      }
    end
  end

  def signal(identity, deed)
    Sidekiq::ProcessSet.new.find { |process| process.identity == identity }.public_send(deed)
    true
  end

  def work
    set = (MAJOR >= 7) ? Sidekiq::WorkSet.new : Sidekiq::Workers.new
    set.map do |process, thread, work|
      payload = work.respond_to?(:payload) ? work.payload : work["payload"]
      payload = JSON.parse(payload) if payload.is_a?(String)
      run_at = work.respond_to?(:run_at) ? work.run_at.to_f : work["run_at"]
      {process: process, thread: thread, jid: payload["jid"], class: payload["class"], run_at: run_at}
    end
  end

  def metrics(name)
    require "sidekiq/metrics/query"
    top = Sidekiq::Metrics::Query.new.top_jobs(minutes: 10)
    found = top.job_results[name]
    one = Sidekiq::Metrics::Query.new.for_job(name, minutes: 10)
    return nil if found.nil?
    {
      totals: found.totals, names: top.job_results.keys.sort,
      counted: one.job_results[name].hist.values.flatten.sum
    }
  end

  # Pages

  SESSION = {}

  def page(path)
    response = request("GET", path)
    {status: response.status, body: response.body, location: response.headers["location"]}
  end

  def press(path, button)
    token = request("GET", path).body[/name='authenticity_token' value='([^']*)'/, 1]
    response = request("POST", path, params: {"authenticity_token" => token, button => "1"}.compact)
    {status: response.status, body: response.body}
  end

  # Helpers

  def request(verb, path, options = {})
    environment = {"rack.session" => SESSION, "HTTP_SEC_FETCH_SITE" => "same-origin"}
    Rack::MockRequest.new(Sidekiq::Web).request(verb, path, environment.merge(options))
  end

  def sorted(name)
    {"schedule" => Sidekiq::ScheduledSet, "retry" => Sidekiq::RetrySet, "dead" => Sidekiq::DeadSet}
      .fetch(name).new
  end

  def shown(job)
    {
      jid: job.jid, class: job.klass, display_class: job.display_class, args: job.args, queue: job.queue,
      created_at: job.created_at.to_f, enqueued_at: job.enqueued_at&.to_f, item: job.item,
      failed_at: job["failed_at"] && moment(job, "failed_at"),
      retried_at: job["retried_at"] && moment(job, "retried_at"), tags: job["tags"],
      retry_count: job["retry_count"], backtrace: job.error_backtrace
    }
  end

  # As the web pages read it: Sidekiq before 8 takes any number for seconds.
  def moment(job, field)
    value = job[field]
    (MAJOR >= 8 && value.is_a?(Integer)) ? value / 1000.0 : value.to_f
  end
end

$stdin.each_line do |line|
  name, *arguments = JSON.parse(line)
  begin
    answer = {"answer" => Answers.public_send(name, *arguments)}
  rescue StandardError, ScriptError => error
    answer = {"error" => "#{error.class}: #{error.message}\n#{error.backtrace.first(5).join("\n")}"}
  end
  ANSWERS.puts(JSON.generate(answer))
end
