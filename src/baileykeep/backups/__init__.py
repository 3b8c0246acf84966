"""Copies of logins: taken, verified by hash, put back, and kept only as long as they are of use."""
