"""kiq: background jobs for Python in the style of Sidekiq."""
