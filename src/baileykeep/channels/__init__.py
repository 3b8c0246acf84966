"""Ways to reach people. A new one is one file here and one line in the conformance suite."""
