"""Weight files: found, brought, checked."""
