"""Building blocks of the platform, one public component a file.

They know Pulumi and Kubernetes and nothing else: no stack configuration, no environment, no live state. What needs
one of these (the guard of a switch) is handed in as a callable.
"""
