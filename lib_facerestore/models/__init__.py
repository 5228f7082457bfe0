"""The networks behind the engine's ports: catalogue, weights and adapters. Loads torch only inside functions."""
