"""`python -m baileykeep` is the `baileykeep` command."""

from baileykeep.cli import main

if __name__ == "__main__":
    main()
