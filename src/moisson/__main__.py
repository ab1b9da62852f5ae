"""`python -m moisson`: the command, where its script is not on the path."""

from moisson.cli.main import main

if __name__ == "__main__":
    main()
