"""Walking a model's new version from a few requests to all of them, and back where its figures are bad.

A package of its own: `infra` is the program that Pulumi runs, this is what runs Pulumi. Traffic moves only by the
stack's ordinary configuration and `pulumi up`.
"""
