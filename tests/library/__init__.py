"""The threading-relevant parts of the standard library: a race reached through one is found, its right use is not."""
