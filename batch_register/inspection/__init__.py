"""What a disk image is, told by its first bytes."""
