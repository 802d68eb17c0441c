"""The Python language host: what `runtime: python` in Pulumi.yaml starts.

It serves pulumirpc.LanguageRuntime of pulumi 3.255. `host` answers the calls, `interpreter` finds the
project's Python, `distributions` reads what is installed in it, `processes` runs programs and plugins,
and `program` is the script that runs inside the project's own Python.
"""
