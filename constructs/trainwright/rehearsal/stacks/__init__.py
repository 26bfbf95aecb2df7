"""CloudFormation: templates become resources by calls of the services' own APIs."""
