"""Health: what a load balancer, a container's probes and systemd are told of this process.

It imports nothing here: producers read the setting, and need no more of it.
"""
