"""What kiq does for other libraries: each is named in the module that is called after it."""
