"""What single file formats say of their pixels, and how those are read or written. Knows nothing of metadata's use."""
