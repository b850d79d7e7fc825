"""The parts that screens are composed of.

Each owns one region, watches the app's view by itself and changes only its own region.
"""
