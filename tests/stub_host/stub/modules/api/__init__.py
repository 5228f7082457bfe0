"""The /sdapi/v1 routes."""
