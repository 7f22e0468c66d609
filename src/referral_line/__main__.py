"""Run the command line as ``python -m referral_line``."""

from referral_line.cli import main

if __name__ == "__main__":
    main()
