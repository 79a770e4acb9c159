"""One file per format: bytes in, a document out, or a refusal that says why."""
