"""Inside a worker process: from Redis to a thread and back."""
