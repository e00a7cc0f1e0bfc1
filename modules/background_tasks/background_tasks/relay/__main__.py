"""``python -m background_tasks.relay``."""

from background_tasks.relay.relay import main

if __name__ == "__main__":
    main()
