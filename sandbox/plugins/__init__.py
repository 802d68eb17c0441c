"""Pulumi plugins of the sandbox, for machines that cannot download the official ones.

Each is a program that the engine starts: it prints a port and answers gRPC calls on it. `protocol`
holds the messages, `serving` the life of such a program, `install` puts them where the engine looks.
"""
