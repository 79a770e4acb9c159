"""Understanding of short spoken or typed utterances: words, numbers, dates, intents."""
