"""Lambda functions run for real: Python handlers under AWS's own runtime interface client, a process a sandbox."""
