"""``python -m tuishare`` is the command ``tuishare``."""

from tuishare.cli import main

main()
