"""What a pull request changes, for a reviewer: previewed on a throw-away control plane, or on the cluster itself."""
