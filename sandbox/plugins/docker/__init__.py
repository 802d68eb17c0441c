"""The docker provider: images built by a Docker engine and pushed to a registry.

It speaks for `docker:index/image:Image` of pulumi-docker 5.2 and for nothing else of it. `inputs` reads
what a program asks for, `ignore` and `context` know what a build sends, `registry` whose credentials
it takes, `build` drives the Docker engine, `provider` answers the Pulumi engine.
"""
