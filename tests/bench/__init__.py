"""`make bench`: our figure, a yardstick's from the same run, and their ratio. Absolute figures are the machine's."""
