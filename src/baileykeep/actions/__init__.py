"""What a rung does to the world, in journaled steps that can be finished or undone after a crash."""
