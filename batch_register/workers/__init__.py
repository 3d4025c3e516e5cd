"""Where the files to be uploaded are read: here, or by workers near them."""
