"""Files on their way into the object store."""
