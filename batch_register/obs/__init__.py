"""The object store that the images' files lie in."""
