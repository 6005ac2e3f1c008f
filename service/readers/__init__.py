"""Readers: one module a format, each from a file to the blocks of its document."""
