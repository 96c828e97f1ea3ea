"""The routes. The folder is the list: each module has a `router`."""
