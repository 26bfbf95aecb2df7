"""CloudWatch metrics: those that stand in log lines, and the alarms on all of them."""
