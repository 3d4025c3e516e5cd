"""A look at every source before anything is made."""
