"""What actors run on under control."""
