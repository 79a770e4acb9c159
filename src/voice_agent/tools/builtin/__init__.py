"""The built-in tools, one file each; a file here is found by being here."""
