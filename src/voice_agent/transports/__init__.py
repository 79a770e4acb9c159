"""What carries sound between a caller and a session."""
