"""`trainwright account`: an embedded account that stays open for any AWS client."""
