"""Is it any good: measures, and the scripts that fit what the assistant decides by. Not shipped."""
