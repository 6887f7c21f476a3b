"""Writing and reading a model beside `cp` of the same file."""
