"""`python -m connector` is `fluents-warehouse`, wherever the script is not on the path."""

from connector.cli import main

if __name__ == "__main__":
    main()
