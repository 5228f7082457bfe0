"""Restore pictures of the host: one, several, each before the host saves it, or all after the host's job."""

__all__ = [
    "context",
    "each_picture",
    "job",
    "job_pictures",
    "request",
    "restore_each",
    "restore_image",
    "whole_job",
]
