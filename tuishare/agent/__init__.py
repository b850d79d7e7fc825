"""The daemon and only composition root.

Owns the drop and inbox pipelines, the watcher, the store and the life cycle, and wires the other rooms together.
Must not draw anything and must not know who is on the other end of the API. `sealing`, `transfer` and `store` also
serve the commands that work without an agent.
"""
