"""Case-file packages: a sealed recording with what a third party needs to see and to check it, in one folder or file."""
