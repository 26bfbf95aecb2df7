"""What runs inside a stand-in's container. Imports are relative, for it is a package of its own there (start.py)."""
