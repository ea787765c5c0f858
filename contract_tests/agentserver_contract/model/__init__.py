"""A model of the server: the state of each tag, the actions on it, and how it is read back.

`state`, `action`, `run`, `readback` and `machine` are general. Every other module holds what one
tag of the contract adds, or what several tags share, and registers it with the decorators of
`action`: a new tag is a new module here and nothing else.
"""
