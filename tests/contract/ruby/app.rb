# What a Ruby application has: job classes that note what they did, current attributes, settings.
# A Sidekiq server of any version loads this (-r), and so does ask.rb. Read by tests/contract/ruby.

require "json"
require "sidekiq"
require "active_support/all"
require "active_job"
require "sidekiq/middleware/current_attributes"

MAJOR = Sidekiq::VERSION.to_i
JOB = (MAJOR >= 7) ? Sidekiq::Job : Sidekiq::Worker

class Current < ActiveSupport::CurrentAttributes
  attribute :tenant, :number
end

def command(*words)
  Sidekiq.redis { |connection| connection.call(*words) }
end

def note(text)
  command("RPUSH", "notes", text)
end

class RbNote
  include JOB

  def perform(text, options = {})
    note("#{text} #{options.to_json} #{Current.attributes.compact.to_json}")
  end
end

class RbFails
  include JOB

  sidekiq_options retry: 3, backtrace: 2

  def perform(text)
    note("#{text} failed")
    raise ArgumentError, "no: #{text}"
  end
end

class RbHold
  include JOB

  def perform(label)
    note("#{label} begins")
    sleep 0.05 until command("GET", "release:#{label}")
    note("#{label} ends")
  end
end

if MAJOR >= 7
  Sidekiq::CurrentAttributes.persist("Current")
else
  Sidekiq::CurrentAttributes.persist(Current)
end

Sidekiq.configure_server do |config|
  settings = (MAJOR >= 7) ? config : config.options
  settings[:poll_interval_average] = 0.5
end
