# /etc/god/conf.d/kiq.god, then: god load /etc/god/conf.d/kiq.god

# God 0.13.7, the last one, was written for Ruby 2, whose `timeout` Ruby 3 has no more.
require "timeout"
module Kernel
  def timeout(seconds, &block)
    Timeout.timeout(seconds, &block)
  end
end

God.watch do |w|
  w.name = "kiq"
  w.dir = "/srv/app"
  # Without pid_file God makes a daemon of it, and knows its pid.
  w.start = "/srv/app/.venv/bin/kiq -C config/kiq.yml --processes auto"
  w.env = {
    "APP_ENV" => "production",
    "REDIS_URL" => "redis://localhost:6379/0",
    "KIQ_HEALTH" => "127.0.0.1:7433",
  }
  w.uid = "kiq"
  w.gid = "kiq"
  w.log = "/var/log/kiq/kiq.log"
  w.stop_signal = "TERM"
  # shutdown_timeout (25) and 10 more. The default of 10 kills running jobs.
  w.stop_timeout = 40
  w.start_grace = 5
  w.keepalive(interval: 5)
  # It ended before God first saw it run: keepalive alone would leave it at that.
  w.transition(%i[start restart], :start) do |on|
    on.condition(:tries) { |c| c.times = 2; c.interval = 5 }
  end

  w.restart_if do |restart|
    restart.condition(:http_response_code) do |c|
      c.host = "127.0.0.1"
      c.port = 7433
      c.path = "/live"
      c.code_is_not = 200
      c.timeout = 5
      c.interval = 10
      c.times = [3, 3]
    end
  end
end
