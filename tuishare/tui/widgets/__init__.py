"""The parts that screens are put together from.

Each owns one region, watches the app's one view by itself and changes nothing but its own region.
"""
