"""The studio inside other applications: each an app of its own, installed only where it is wanted."""
