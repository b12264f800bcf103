"""Records on their way from the requests to a file, the log or a message bus.

A request puts a record into a queue and goes on; a thread of the process writes it. What audit and
capture write goes through here. docs/adr/0008-audit.md has the reasons and the figures.
"""
