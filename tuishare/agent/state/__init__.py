"""The state of the agent: database, activity log, retries while the disk refuses writes, and the change signal.

Owns reading and writing. Must not decide anything.
"""
