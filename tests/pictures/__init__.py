"""The README's pictures: the real dashboard with invented data and a clock that stands still."""
