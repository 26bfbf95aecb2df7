"""`run`, `list` and `stop`: a deployed team's runs, on AWS or on an embedded account."""
