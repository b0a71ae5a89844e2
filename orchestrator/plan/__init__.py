"""The plan file: what the architect wants built and how it is proven."""
