"""The Lambda functions, a small module each: parse, call the brain, answer. Only here is AWS called."""
