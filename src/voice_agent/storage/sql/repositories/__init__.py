"""Reading and writing the business data."""
