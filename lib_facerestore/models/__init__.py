"""Networks for the engine: the catalogue of models, their weights, and adapters that fulfil the engine's ports.

Importing these modules loads no torch, but for three in `networks` that are imported when they are needed.
"""
