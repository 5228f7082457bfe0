"""What the command's exit status means; after signal n it is 128 + n."""

EXIT_DONE = 0
EXIT_SOME_FAILED = 1
"""Some picture or file failed; the others are finished."""
EXIT_WRONG_USE = 2
"""Nothing was begun."""
