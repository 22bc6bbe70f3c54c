"""What ``kiq doctor`` looks at: facts are gathered once, then judged without any I/O."""
