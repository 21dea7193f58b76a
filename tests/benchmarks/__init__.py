"""Measurements against the libraries a site would otherwise use. Run: ``python -m tests.benchmarks [--short] [NAME]``.

Needs an environment of its own with ``requirements.txt`` of this folder; a peer that is not installed is reported as
``skipped``. One JSON line per goal: name, ours, theirs, ratio, goal, ok. Never part of the test suite.
"""
