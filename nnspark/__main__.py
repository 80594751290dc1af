"""``python -m nnspark``: the console command."""

from nnspark.runs.cli import main

if __name__ == "__main__":
    main()
