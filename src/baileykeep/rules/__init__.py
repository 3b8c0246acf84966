"""What Baileykeep decides: pure functions of state, fact, time and limits. No clock, no random, no I/O."""
