"""A model of the server: the state of each tag, the actions on it, and how it is read back.

`state`, `action`, `run`, `readback` and `machine` are general. Every other module is about one tag
of the contract, or one resource of a tag that has several (`members` for `workspaces.members`). It
registers what it adds with the decorators of `action`: a new tag is a new module here, no more.
"""
