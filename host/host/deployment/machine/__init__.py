"""What supervisor, circus and systemd say of the processes that they start on a machine, each in its own words."""
