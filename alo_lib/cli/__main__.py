"""``python -m alo_lib.cli``: what the ./alo script runs."""

from alo_lib.cli.main import main

if __name__ == "__main__":
    main()
