"""Django's own tests of tasks, run with kiq's backend: ``make djangotasks``."""
