"""The rows, one module per room: importing a module registers its rows."""
