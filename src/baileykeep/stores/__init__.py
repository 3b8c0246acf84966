"""Where a session's auth lies. Everything above works on a listing, never on the place itself."""
