"""What travels beside the pixels: EXIF, ICC, XMP, IPTC, text, and how it follows a picture that has changed."""
