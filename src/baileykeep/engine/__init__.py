"""What runs the rules: one unit a subject, the orchestrator that acts, and the courier that tells."""
