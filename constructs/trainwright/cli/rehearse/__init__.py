"""`trainwright rehearse`: synthesise, deploy, run and report, here, in an account that lives in a process."""
