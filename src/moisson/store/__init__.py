"""What has been received, and everything that lies on disk."""
