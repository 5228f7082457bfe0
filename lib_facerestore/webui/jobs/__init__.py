"""What a job asks for, and its pictures restored: before each is saved, or after all were made."""

__all__ = [
    "context",
    "each_picture",
    "job",
    "job_pictures",
    "many_pictures",
    "one_picture",
    "request",
    "whole_job",
]
