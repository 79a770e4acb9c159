"""Understanding of short spoken utterances."""
