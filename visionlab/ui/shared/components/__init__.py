"""What must follow the pointer: small components in plain JavaScript, each in a folder of its own."""
