"""The parts that screens are composed of.

Each owns one region, watches the app's view and changes only its own region.
"""
