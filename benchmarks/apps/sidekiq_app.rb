# The no-op job of Sidekiq; run as a program, it pushes so many, and as -r it is what a worker loads.

require "sidekiq"

if ENV["BENCH_LOG_LEVEL"] == "warn"
  Sidekiq.configure_server { |config| config.logger.level = Logger::WARN }
end

class Noop
  include Sidekiq::Worker

  def perform(number)
  end
end

if $PROGRAM_NAME == __FILE__
  Integer(ARGV.fetch(0)).times.each_slice(1_000) do |numbers|
    Sidekiq::Client.push_bulk("class" => Noop, "args" => numbers.map { |number| [number] })
  end
end
